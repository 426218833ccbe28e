/**
 * The report's scenarios: goodput, latency, CPU, who served what, and how far replicas were behind.
 */
import type { BenchRecord, Configuration, Repetition } from '../results/bench-record.ts'
import { meanAndSpread, type MeanAndSpread } from '../statistics/mean-and-spread.ts'
import { gainText, number, percent, ratioText, spread } from './figure-text.ts'
import { table, type Block, type ChartBlock, type Color, type Section } from './report-document.ts'
import { bothSides, errorRate, goodput, latency, ratioOf, scenariosOf, spreadOf, transfer, type Scenario, type Side } from './scenario.ts'
import { drawBars, drawCurves, type Value } from './svg-chart.ts'

const SIDES: readonly { readonly name: string; readonly color: Color; readonly configuration: Configuration }[] = [
  { name: 'balanced: three instances per tier, behind Nginx', color: 'balanced', configuration: 'balanced' },
  { name: 'single: one instance per tier, no Nginx', color: 'single', configuration: 'single' },
]
const ERROR_BARS =
  'The thin line on a bar shows one standard deviation above and below, over the runs; a bar without one is from a single run.'

export function loadSections(record: BenchRecord): readonly Section[] {
  const groups = Map.groupBy(scenariosOf(record.repetitions), groupOf)
  return [...groups].flatMap(([name, scenarios], index) => (scenarios.length === 0 ? [] : [loadSection(name, scenarios, index)]))
}

function groupOf({ first }: Scenario): string {
  const held = first.cpuPerInstance === null ? 'all instances share the cores' : `each instance has ${first.cpuPerInstance} of a core`
  return `${first.stage === 'stage1' ? 'Stage 1, in memory' : 'Stage 2, PostgreSQL'}: ${held}${first.loop === 'open' ? ', open loop' : ''}`
}

function loadSection(title: string, scenarios: readonly Scenario[], index: number): Section {
  const lag = lagChart(scenarios)
  const blocks: Block[] = [goodputChart(scenarios), scenarioTable(scenarios), latencyChart(scenarios), useChart(scenarios)]
  return { id: `load-${index + 1}`, title, blocks: [...blocks, distributionChart(scenarios), ...(lag ? [lag] : [])] }
}

function goodputChart(scenarios: readonly Scenario[]): ChartBlock {
  const series = SIDES.map(({ name, color, configuration }) => ({
    name,
    color,
    values: scenarios.map((scenario) => barOf(spreadOf(scenario[configuration], goodput))),
  }))
  return {
    kind: 'chart',
    title: 'Right answers per second (goodput)',
    description: 'Bars of goodput for each load, with load balancing and without, with their standard deviation.',
    howToRead: `Taller is better: only answers that were checked and found right are counted. ${ERROR_BARS} Where the lines of two bars overlap, look at the interval in the table before calling one of them faster.`,
    legend: SIDES,
    draw: (width) => drawBars(width, 'right answers / s', scenarios.map(labelOf), series),
    table: table(
      'Goodput, right answers per second: mean ± standard deviation',
      ['load', 'balanced', 'single', 'gain, 95 % interval'],
      scenarios.map((scenario) => [
        labelOf(scenario),
        spread(spreadOf(scenario.balanced, goodput)),
        spread(spreadOf(scenario.single, goodput)),
        gainText(ratioOf(scenario, goodput)),
      ]),
    ),
  }
}

function labelOf({ first }: Scenario): string {
  return first.loop === 'open' ? `${first.load} at ${first.ratePerSecond ?? '?'}/s` : first.load
}

function barOf(value: MeanAndSpread | null): Value | null {
  if (value === null) return null
  const { mean, deviation } = value
  return deviation === null ? { mean } : { mean, low: Math.max(0, mean - deviation), high: mean + deviation }
}

function scenarioTable(scenarios: readonly Scenario[]): Block {
  const rows = scenarios.flatMap((scenario) =>
    bothSides(scenario).map(({ configuration, side }) => [
      `${labelOf(scenario)}, ${configuration}`,
      `${side.kept.length}${side.broken.length > 0 ? ` (+ ${side.broken.length} broken)` : ''}`,
      spread(spreadOf(side, goodput)),
      spread(spreadOf(side, ({ throughputPerSecond }) => throughputPerSecond)),
      spread(spreadOf(side, transfer), 1),
      percent(spreadOf(side, errorRate)?.mean ?? null),
      ...(['meanMs', 'p50Ms', 'p90Ms', 'p95Ms', 'p99Ms', 'maxMs'] as const).map((field) => spread(spreadOf(side, latency(field)), 1)),
    ]),
  )
  const head = ['test', 'runs', 'goodput /s', 'all answers /s', 'KiB/s', 'errors', 'mean ms', 'p50', 'p90', 'p95', 'p99', 'max']
  return table('What the protocol asks for: mean ± standard deviation, without broken runs', head, rows)
}

const PERCENTILES = ['p50Ms', 'p90Ms', 'p95Ms', 'p99Ms'] as const

function latencyChart(scenarios: readonly Scenario[]): ChartBlock {
  const shown = scenarios.flatMap((scenario) =>
    bothSides(scenario).map((one) => ({ ...one, name: `${labelOf(scenario)}\n${one.configuration}` })),
  )
  const colors = ['balanced', 'third', 'single', 'fourth'] as const
  const series = PERCENTILES.map((field, index) => ({
    name: field.replace('Ms', ''),
    color: colors[index]!,
    values: shown.map(({ side }) => meanOnly(spreadOf(side, latency(field)))),
  }))
  return {
    kind: 'chart',
    title: 'How long an answer takes',
    description: 'Bars of the latency percentiles 50, 90, 95 and 99 in milliseconds, for each load and configuration.',
    howToRead:
      'Lower is better. p50: half of the requests were answered within this time. p99: 99 out of 100 were, so the unlucky hundredth waits at least this long. Only right answers are counted, so see the error rate as well.',
    legend: series,
    draw: (width) =>
      drawBars(
        width,
        'ms',
        width < 500 ? shown.map(({ name }) => name.replace(/^(\w).*\n(\w).*$/s, '$1$2')) : shown.map(({ name }) => name),
        series,
      ),
    table: table(
      'Latency in milliseconds, and balanced against single as a ratio with its 95 % interval',
      ['load', ...PERCENTILES.map((field) => field.replace('Ms', ' balanced / single')), 'ratio of means'],
      scenarios.map((scenario) => [
        labelOf(scenario),
        ...PERCENTILES.map((field) =>
          bothSides(scenario)
            .map(({ side }) => number(spreadOf(side, latency(field))?.mean, 1))
            .join(' / '),
        ),
        ratioText(ratioOf(scenario, latency('meanMs'))),
      ]),
    ),
  }
}

function meanOnly(value: MeanAndSpread | null): Value | null {
  return value && { mean: value.mean }
}

/** Of the heaviest load: there the instances are what is asked of most. */
function heaviest(scenarios: readonly Scenario[]): Scenario {
  return scenarios.reduce((most, one) => (one.first.requested > most.first.requested ? one : most))
}

function useChart(scenarios: readonly Scenario[]): ChartBlock {
  const scenario = heaviest(scenarios)
  const names = [
    ...new Set(bothSides(scenario).flatMap(({ side }) => side.kept.flatMap(({ instances }) => instances.map(({ name }) => name)))),
  ]
  const use = (side: Side, name: string, field: (use: Repetition['instances'][number], run: Repetition) => number): MeanAndSpread | null =>
    meanAndSpread(side.kept.flatMap((run) => run.instances.filter((one) => one.name === name).map((one) => field(one, run))))
  const cpu = (side: Side, name: string): MeanAndSpread | null =>
    use(side, name, ({ cpuS }, { durationS }) => (durationS === 0 ? 0 : (cpuS / durationS) * 100))
  const series = SIDES.map(({ name, color, configuration }) => ({
    name,
    color,
    values: names.map((instance) => barOf(cpu(scenario[configuration], instance))),
  }))
  const short = (name: string): string => name.replace('frontend', 'f').replace('backend', 'b').replace('-lb', 'lb')
  return {
    kind: 'chart',
    title: `CPU of each instance, under ${labelOf(scenario)}`,
    description: 'Bars of the share of a core that each instance used, in percent.',
    howToRead: `100 % is one whole core. Everything waits for the instances that use all of their share; adding more of the others would change nothing. ${ERROR_BARS}`,
    legend: SIDES,
    draw: (width) =>
      drawBars(
        width,
        '% of a core',
        names.map((name) => (width < 500 ? short(name) : name.replace(/(end|-lb)/, '\n$1'))),
        series,
      ),
    table: table(
      `CPU (% of a core) and peak memory (MiB) under ${labelOf(scenario)}: mean ± standard deviation`,
      ['instance', 'CPU balanced', 'CPU single', 'MiB balanced', 'MiB single'],
      names.map((name) => [
        name,
        ...bothSides(scenario).map(({ side }) => spread(cpu(side, name), 1)),
        ...bothSides(scenario).map(({ side }) =>
          spread(
            use(side, name, ({ memoryMiB }) => memoryMiB),
            0,
          ),
        ),
      ]),
    ),
  }
}

function distributionChart(scenarios: readonly Scenario[]): ChartBlock {
  const sides = scenarios.map((scenario) => ({ scenario, kept: scenario.balanced.kept }))
  const databases = [
    ...new Set(sides.flatMap(({ kept }) => kept.flatMap(({ distribution: { reads, writes } }) => Object.keys({ ...reads, ...writes })))),
  ].toSorted()
  const total = (kept: readonly Repetition[], way: 'reads' | 'writes', name: string): number =>
    kept.reduce((sum, { distribution }) => sum + (distribution[way][name] ?? 0), 0)
  const colors = ['balanced', 'third', 'single', 'fourth', 'fifth'] as const
  const bars = sides.flatMap(({ scenario, kept }) => (['reads', 'writes'] as const).map((way) => ({ scenario, kept, way })))
  const share = ({ kept, way }: (typeof bars)[number], name: string): number => {
    const all = databases.reduce((sum, other) => sum + total(kept, way, other), 0)
    return all === 0 ? 0 : (total(kept, way, name) / all) * 100
  }
  const series = databases.map((name, index) => ({
    name,
    color: colors[index % colors.length]!,
    values: bars.map((bar) => ({ mean: share(bar, name) })),
  }))
  // A bench in a container cannot read db-lb's log, and a database does not know that a read was tried elsewhere before.
  const isLogged = (kept: readonly Repetition[]): boolean =>
    kept.every(({ reconciliation }) => reconciliation.counts['frontend-lb'] !== undefined)
  const source = sides.every(({ kept }) => isLogged(kept)) ? 'from Nginx’s logs' : 'as the databases counted them'
  return {
    kind: 'chart',
    title: 'Who served the reads, and who took the writes',
    description: 'Stacked bars of each database’s share of reads and of writes, with load balancing.',
    howToRead:
      'Each bar is 100 %. All writes must have one colour, that of the primary (db1). Reads should be spread, with twice the weight on each replica; `least_conn` also takes requests in progress into account, so the shares are not exactly 1 : 2 : 2.',
    legend: series,
    draw: (width) =>
      drawBars(
        width,
        '%',
        bars.map(({ scenario, way }) => (width < 500 ? `${labelOf(scenario)[0]!} ${way[0]!}` : `${labelOf(scenario)}\n${way}`)),
        series,
        true,
      ),
    table: table(
      `Requests by database, total of all balanced runs that are not broken, ${source}`,
      ['load', ...databases, 'reads moved to another database'],
      bars.map((bar) => [
        `${labelOf(bar.scenario)}, ${bar.way}`,
        ...databases.map((name) => `${number(total(bar.kept, bar.way, name))} (${number(share(bar, name), 1)} %)`),
        bar.way === 'writes'
          ? ''
          : isLogged(bar.kept)
            ? number(bar.kept.reduce((sum, { distribution }) => sum + distribution.moved, 0))
            : '–',
      ]),
    ),
  }
}

function lagChart(scenarios: readonly Scenario[]): ChartBlock | null {
  const runs = scenarios.flatMap(({ balanced }) => balanced.kept.filter(({ replication }) => replication !== null))
  const first = runs.filter(({ run }) => run === Math.min(...runs.map((one) => one.run)))
  if (first.length === 0) return null
  const colors = ['balanced', 'third', 'single', 'fourth'] as const
  const curves = first.map(({ load, replication }, index) => ({
    name: load,
    color: colors[index % colors.length]!,
    isDashed: index % 2 === 1,
    points: replication!.samples.flatMap(({ atMs, lagRecords }) => (lagRecords === null ? [] : [[atMs / 1_000, lagRecords] as const])),
  }))
  return {
    kind: 'chart',
    title: 'How far behind the replicas were',
    description: 'Lines of replication lag in records over the seconds of one run, for each load; the worst replica counts.',
    howToRead:
      'A line at 0 means that every replica has everything. A hump means that a replica fell behind and caught up again; a line that only rises means that one cannot keep up. A read without a session token may be out of date by that many records.',
    legend: curves,
    draw: (width) => drawCurves(width, { x: 'seconds into the run', y: 'records behind' }, curves),
    table: table(
      'Replication lag and stale reads, by run',
      ['run', 'max records behind', 'lag p50 ms', 'lag max ms', 'all caught up after ms', 'stale reads, of those checked'],
      runs.map(({ load, run, replication, reads }) => [
        `${load}, run ${run}`,
        number(replication!.lagRecordsMax),
        number(replication!.lagMsP50, 1),
        number(replication!.lagMsMax, 1),
        number(replication!.caughtUpAfterMs, 0),
        `${number(reads.stale)} of ${number(reads.checked)}, by at most ${number(reads.staleByMax)} writes`,
      ]),
    ),
  }
}
