/**
 * What a hundred requests become on their way to a bottom that fails: a storm really run (`retry-storm.ts`), its arrivals drawn.
 *
 * Bars are as long as their numbers, on one scale: a logarithmic one would make a storm look like a breeze.
 */
import { runStorm } from '../../storm/retry-storm.ts'
import type { Picture } from '../draw-pictures.ts'

const REQUESTS = 100
const ATTEMPTS_MAX = 3
const CASES = [
  { title: 'all three tiers retry', tiersRetry: [true, true, true] },
  { title: 'one retries, next to the failure', tiersRetry: [false, false, true] },
  { title: 'none retries', tiersRetry: [false, false, false] },
]
const PLACES = ['tier 1', 'tier 2', 'tier 3', 'the bottom']

export const picture: Picture = {
  file: 'retry-storm.svg',
  draw: async () => {
    const panels = []
    for (const { title, tiersRetry } of CASES) {
      const { arrivals } = await runStorm({ requests: REQUESTS, attemptsMax: ATTEMPTS_MAX, tiersRetry })
      panels.push({ title, arrivals })
    }
    return svg(panels)
  },
}

interface Panel {
  readonly title: string
  readonly arrivals: readonly number[]
}

const WIDTH = 760
const LEFT = 110
const TOP = 56
const BAR = { height: 18, step: 24, lengthMax: 560 }
const PANEL_HEIGHT = PLACES.length * BAR.step + 40

function svg(panels: readonly Panel[]): string {
  const height = TOP + panels.length * PANEL_HEIGHT
  const most = Math.max(...panels.flatMap(({ arrivals }) => arrivals))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<title>What ${REQUESTS} requests become when all tiers retry, when one does, and when none does</title>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="16" y="24" font-size="15" font-weight="bold" fill="#222222">${REQUESTS} requests to a service that fails, ${ATTEMPTS_MAX} attempts wherever there are retries</text>
<text x="16" y="42" font-size="11" fill="#555555">Requests that arrived at each tier. The bottom answers 503 to all of them.</text>
${panels.map((panel, index) => panelSvg(panel, TOP + index * PANEL_HEIGHT, most)).join('\n')}
</svg>
`
}

function panelSvg({ title, arrivals }: Panel, top: number, most: number): string {
  const rows = arrivals.map((count, place) => {
    const y = top + 26 + place * BAR.step
    const length = (count / most) * BAR.lengthMax
    const middle = y + BAR.height - 5
    return `<text x="${LEFT - 8}" y="${middle}" text-anchor="end" fill="#555555">${PLACES[place]}</text>
<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR.height}" fill="#2f6db3"/>
<text x="${(LEFT + length + 6).toFixed(1)}" y="${middle}" fill="#222222">${count}</text>`
  })
  return `<g font-size="12">
<text x="16" y="${top + 16}" font-size="13" fill="#222222">${title}</text>
${rows.join('\n')}
</g>`
}
