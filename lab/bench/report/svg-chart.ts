/**
 * Charts as SVG text, drawn by echarts without a browser. Colours stay names (CSS variables), so that one drawing serves light, dark
 * and paper; nothing in it is a script, reacts to the pointer, or is loaded from elsewhere.
 */
import { init, type CustomSeriesOption, type EChartsOption } from 'echarts'
import type { Color } from './report-document.ts'

export interface Series {
  readonly name: string
  readonly color: Color
  readonly isDashed?: boolean
  /** One for each label of a bar chart, or points of a line chart. */
  readonly values: readonly (Value | null)[]
}

export interface Value {
  readonly mean: number
  /** Ends of the error bar. */
  readonly low?: number
  readonly high?: number
}

const INK = 'var(--muted)'
const LINE = 'var(--line)'
const FONT_PX = 12

const FRAME = {
  animation: false,
  textStyle: { fontFamily: 'inherit', fontSize: FONT_PX, color: INK },
  grid: { left: 4, right: 12, top: 6, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'all' },
} as const satisfies EChartsOption

const AXIS = {
  axisLabel: { color: INK, fontSize: FONT_PX, hideOverlap: true },
  axisLine: { lineStyle: { color: 'var(--line-strong)' } },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: LINE } },
  nameTextStyle: { color: INK, fontSize: FONT_PX },
} as const

/** Groups of bars beside each other, with error bars where there is a spread. */
export function drawBars(widthPx: number, unit: string, labels: readonly string[], series: readonly Series[], isStacked = false): string {
  return render(widthPx, {
    ...FRAME,
    xAxis: { type: 'category', data: [...labels], ...AXIS, axisLabel: { ...AXIS.axisLabel, interval: 0, hideOverlap: false } },
    yAxis: { type: 'value', name: unit, ...AXIS, nameTextStyle: { ...AXIS.nameTextStyle, align: 'left' } },
    series: series.flatMap((one, index) => [
      {
        type: 'bar' as const,
        silent: true,
        barMaxWidth: 34,
        ...(isStacked ? { stack: 'all' } : {}),
        data: one.values.map((value) => value?.mean ?? '-'),
        itemStyle: { color: `var(--${one.color})`, borderRadius: isStacked ? 0 : [3, 3, 0, 0] },
      },
      ...(isStacked ? [] : [errorBars(one, index, series.length)]),
    ]),
  })
}

/** A custom series knows nothing of the bars beside it: its place in the group is computed as echarts computes theirs. */
function errorBars({ values }: Series, index: number, count: number): CustomSeriesOption {
  const data = values.flatMap((value, at) => (value?.low === undefined || value.high === undefined ? [] : [[at, value.low, value.high]]))
  return {
    type: 'custom',
    silent: true,
    data,
    z: 5,
    renderItem: (_params, api) => {
      const low = api.coord([api.value(0), api.value(1)])
      const high = api.coord([api.value(0), api.value(2)])
      const layout = api.barLayout?.({ count, barMaxWidth: 34 })?.[index]
      const x = low[0]! + (layout?.offsetCenter ?? 0)
      const line = (x1: number, y1: number, x2: number, y2: number) => ({
        type: 'line' as const,
        shape: { x1, y1, x2, y2 },
        style: { stroke: 'var(--ink)', lineWidth: 1.5 },
      })
      return {
        type: 'group' as const,
        children: [line(x, low[1]!, x, high[1]!), line(x - 4, low[1]!, x + 4, low[1]!), line(x - 4, high[1]!, x + 4, high[1]!)],
      }
    },
  }
}

export interface Curve {
  readonly name: string
  readonly color: Color
  readonly isDashed?: boolean
  /** Points without a line between them. */
  readonly isPoints?: boolean
  readonly points: readonly (readonly [x: number, y: number])[]
}

export function drawCurves(widthPx: number, axes: { readonly x: string; readonly y: string }, curves: readonly Curve[]): string {
  return render(widthPx, {
    ...FRAME,
    xAxis: { type: 'value', name: axes.x, nameLocation: 'middle', nameGap: 26, ...AXIS, splitLine: { show: false } },
    yAxis: { type: 'value', name: axes.y, ...AXIS, nameTextStyle: { ...AXIS.nameTextStyle, align: 'left' } },
    series: curves.map(({ color, isDashed, isPoints, points }) => {
      const paint = `var(--${color})`
      const data = points.map(([x, y]) => [x, y])
      if (isPoints) return { type: 'scatter' as const, silent: true, symbolSize: 8, data, itemStyle: { color: paint } }
      const lineStyle = { color: paint, width: 2, type: isDashed ? ('dashed' as const) : ('solid' as const) }
      return { type: 'line' as const, silent: true, showSymbol: false, data, lineStyle, itemStyle: { color: paint } }
    }),
  })
}

const HEIGHT_PX = 280

function render(width: number, option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: HEIGHT_PX })
  try {
    chart.setOption(option)
    return withoutReactions(chart.renderToSVGString())
  } finally {
    // A chart that is not disposed of keeps the process alive.
    chart.dispose()
  }
}

/**
 * Styles for the pointer and marks for scripts go. So do clip paths: axes enclose all that is drawn, and their identifiers would be the
 * same in each drawing of a page.
 */
function withoutReactions(svg: string): string {
  return svg
    .replaceAll(/<style\b.*?<\/style>/gs, '')
    .replaceAll(/ (?:ecmeta_\w+|class|pointer-events|xmlns:xlink|version|baseProfile|clip-path)="[^"]*"/g, '')
    .replaceAll(/<clipPath\b.*?<\/clipPath>/gs, '')
    .replaceAll(/\n+/g, '')
}
