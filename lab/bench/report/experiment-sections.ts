/**
 * The experiments beside the scenarios: capacity with fixed shares, a database that pauses, and the aggregate query.
 */
import { mean } from 'simple-statistics'
import {
  AGGREGATE_WAYS,
  type AggregateWay,
  type BenchRecord,
  type Capacity,
  type PairedRuns,
  type PauseExperiment,
} from '../results/bench-record.ts'
import { expectedGain, expectedGainWith } from '../statistics/expected-gain.ts'
import { meanAndSpread } from '../statistics/mean-and-spread.ts'
import { pairedRatio } from '../statistics/paired-ratio.ts'
import { fitScalability, rateAt, type ScalabilityFit } from '../statistics/universal-scalability.ts'
import { NONE, number, percent, ratioText, spread } from './figure-text.ts'
import { table, text, type Block, type ChartBlock, type Section } from './report-document.ts'
import { drawBars, drawCurves } from './svg-chart.ts'

const READ_SHARE = 0.8
const DATABASES = 3
/** Where the fitted law is off by more, its peak is not to be believed. */
const MISFIT_MIN = 0.2

export function experimentSections({ capacity, pause, aggregates }: BenchRecord): readonly Section[] {
  return [
    {
      id: 'capacity',
      title: 'Capacity: three databases against one',
      blocks: capacity ? capacityBlocks(capacity) : [text('Not measured in this run.')],
    },
    { id: 'pause', title: 'A database pauses', blocks: pause ? pauseBlocks(pause) : [text('Not measured in this run.')] },
    {
      id: 'aggregates',
      title: 'The PostgreSQL test (6.3.2)',
      blocks: aggregates.length > 0 ? [aggregateChart(aggregates)] : [text('Not measured in this run.')],
    },
  ]
}

function capacityBlocks(capacity: Capacity): Block[] {
  const held = capacity.cpuPerDatabase === null ? 'All databases share the cores' : `Each database has ${capacity.cpuPerDatabase} of a core`
  const { costs } = capacity
  const row = (name: string, runs: PairedRuns, readShare: number): string[] => {
    const measured = pairedRatio(runs.ratesA, runs.ratesB)
    const expected = costs && expectedGain(costs, DATABASES, readShare)
    const share = measured && expected ? percent(measured.ratio / expected, 0) : NONE
    return [name, ratioText(measured), expected ? number(expected, 2) : 'costs not measured', share, String(runs.ratesA.length)]
  }
  return [
    text(`${held}; ${capacity.connections} connections directly to db-lb of ${capacity.stage}.`),
    table(
      'Three databases against one: measured, with 95 % interval, and expected',
      ['load', 'measured', 'expected', 'measured / expected', 'pairs'],
      [
        row('reads only', capacity.readsThreeAgainstOne, 1),
        row('writes only', capacity.writesThreeAgainstOne, 0),
        row('80 % reads, 20 % writes', capacity.mixThreeAgainstOne, READ_SHARE),
      ],
    ),
    text(
      `The expected figures are Amdahl’s law applied to the cost of requests measured here: reads are spread over three databases, and every database applies every write. ${costs ? costsText(costs) : ''}`,
    ),
    ...mixText(capacity),
    scalabilityChart(
      'Reads by number of databases',
      'databases',
      capacity.byDatabases.map(({ databases, rates }) => ({ n: databases, rates })),
    ),
    scalabilityChart(
      'Reads on three databases by concurrency',
      'connections',
      capacity.byConcurrency.map(({ connections, rates }) => ({ n: connections, rates })),
    ),
  ]
}

/** Three databases write slower than one when the sending costs more than nothing. */
function costsText(costs: NonNullable<Capacity['costs']>): string {
  const { readCpuMs, readAloneCpuMs, writeAloneCpuMs, writeOnPrimaryCpuMs, applyOnReplicaCpuMs } = costs
  const [read, readAlone, alone, primary, replica] = [
    readCpuMs,
    readAloneCpuMs,
    writeAloneCpuMs,
    writeOnPrimaryCpuMs,
    applyOnReplicaCpuMs,
  ].map((ms) => number(ms, 3))
  return `Measured cost in CPU milliseconds: a read takes ${read!} on three databases and ${readAlone!} on one (caches and cores are shared, so three instances are not quite three machines); a write takes ${alone!} on a primary without replicas, ${primary!} on a primary that sends it to two, and ${replica!} on each of those two. Writes alone cannot gain: no replica can take them off the primary, and the cost of sending comes on top.`
}

/** Why the mix may stay behind the ideal, with what was counted. */
function mixText({ costs, mixReadsOnPrimary, mixThreeAgainstOne }: Capacity): Block[] {
  const measured = pairedRatio(mixThreeAgainstOne.ratesA, mixThreeAgainstOne.ratesB)
  const expected = costs && mixReadsOnPrimary !== null ? expectedGainWith(mixReadsOnPrimary, costs, DATABASES, READ_SHARE) : null
  if (measured === null || expected === null) return []
  return [
    text(
      `The expected figure for the mix assumes a balancer that gives the primary exactly as many reads as its writes leave room for. \`least_conn\` sees reads in progress but no writes: it gave the primary ${percent(mixReadsOnPrimary, 1)} of the reads. With that share, the same costs predict ${number(expected, 2)} times the rate of one database; ${ratioText(measured)} was measured, ${percent(measured.ratio / expected, 0)} of the prediction.`,
    ),
  ]
}

interface Measured {
  readonly n: number
  readonly rates: readonly number[]
}

function scalabilityChart(title: string, unit: string, measured: readonly Measured[]): ChartBlock {
  const points = measured.flatMap(({ n, rates }) => rates.map((rate) => ({ n, rate })))
  const fit = fitScalability(points)
  const most = Math.max(1, ...measured.map(({ n }) => n))
  const steps = Array.from({ length: 41 }, (_, index) => 1 + ((most * 1.3 - 1) * index) / 40)
  const curves = [
    { name: 'measured, each run', color: 'balanced' as const, isPoints: true, points: points.map(({ n, rate }) => [n, rate] as const) },
    ...(fit ? [{ name: 'fitted law', color: 'single' as const, points: steps.map((n) => [n, rateAt(fit, n)] as const) }] : []),
  ]
  return {
    kind: 'chart',
    title,
    description: `Points of right answers per second by ${unit}, with the fitted universal scalability law as a line.`,
    howToRead: `A straight line through the origin would be perfect scaling. A line that flattens is waiting for something shared (contention); one that comes down again pays for coordination (coherency). ${fitText(fit, unit)}${misfitText(fit, unit, measured)}`,
    legend: curves,
    draw: (width) => drawCurves(width, { x: unit, y: 'right answers / s' }, curves),
    table: table(
      `Right answers per second by ${unit}: mean ± standard deviation`,
      [unit, 'measured', 'fitted', 'runs'],
      measured.map(({ n, rates }) => [String(n), spread(meanAndSpread(rates)), fit ? number(rateAt(fit, n)) : '–', String(rates.length)]),
    ),
  }
}

function fitText(fit: ScalabilityFit | null, unit: string): string {
  if (fit === null) return 'Too few sizes were measured for a fit.'
  const peak = fit.peak === null ? 'no peak' : `a peak at ${number(fit.peak, 1)} ${unit}`
  const proof = fit.isInterpolation
    ? ' Three sizes determine three coefficients, so such a curve fits whatever was measured and proves nothing.'
    : ''
  return `Here: contention ${number(fit.sigma, 4)}, coherency ${number(fit.kappa, 6)}, ${peak}.${proof}`
}

/** A law that misses what was measured has a peak all the same. */
function misfitText(fit: ScalabilityFit | null, unit: string, measured: readonly Measured[]): string {
  if (fit === null) return ''
  const means = measured.map(({ n, rates }) => ({ n, rate: mean([...rates]) }))
  const most = means.toSorted((one, other) => other.rate - one.rate)[0]!
  const missed = means.map(({ n, rate }) => ({ n, share: Math.abs(rateAt(fit, n) / rate - 1) }))
  const worst = missed.toSorted((one, other) => other.share - one.share)[0]!
  if (worst.share < MISFIT_MIN) return ''
  return ` The highest rate was measured at ${most.n} ${unit}; the fitted law is off by up to ${percent(worst.share, 0)} (at ${worst.n}), so neither its coefficients nor its peak should be used for sizing.`
}

function pauseBlocks(pause: PauseExperiment): Block[] {
  const ways = [
    { name: `open loop: ${number(pause.ratePerSecond)} requests/s whatever happens`, color: 'balanced' as const, run: pause.open },
    { name: 'closed loop: the next request waits for the previous answer', color: 'single' as const, isDashed: true, run: pause.closed },
  ]
  const curves = ways.map(({ run, ...way }) => ({ ...way, points: served(run.timeline) }))
  const percentiles = ways.map(({ name, color, run: { latency } }) => ({
    name,
    color,
    values: PAUSE_PERCENTILES.map((field) => (latency[field] === null ? null : { mean: latency[field] })),
  }))
  return [
    text(`${pause.pausedInstance} of ${pause.stage} was stopped (SIGSTOP) for ${number(pause.pauseMs)} ms, once under each kind of load.`),
    {
      kind: 'chart',
      title: 'How long an answer took, including the pause',
      description: 'Bars of the latency percentiles 50, 90, 95 and 99 and of the maximum, for the open and the closed loop.',
      howToRead:
        'In both loops, the longest answer takes about as long as the pause. What differs is how many requests the pause affects. Real users do not stop arriving because others are waiting: that is the open loop. Its requests are timed from when they were due, so the pause shows far down its percentiles. In the closed loop, the pause affects one request of each client, which sends nothing else meanwhile; among thousands of other requests, these few show only in the maximum.',
      legend: percentiles,
      draw: (width) =>
        drawBars(
          width,
          'ms',
          PAUSE_PERCENTILES.map((field) => field.replace('Ms', '')),
          percentiles,
        ),
      table: table(
        'Latency in milliseconds, including the pause',
        ['load', 'p50', 'p90', 'p95', 'p99', 'max', 'served', 'not served'],
        ways.map(
          ({
            name,
            run: {
              latency: { p50Ms, p90Ms, p95Ms, p99Ms, maxMs },
              outcomes: { served, ...rest },
            },
          }) => [
            name,
            ...[p50Ms, p90Ms, p95Ms, p99Ms, maxMs].map((value) => number(value, 1)),
            number(served),
            number(Object.values(rest).reduce((sum, count) => sum + count, 0)),
          ],
        ),
      ),
    },
    {
      kind: 'chart',
      title: 'Right answers over time',
      description: 'Lines of right answers in each tenth of a second, for the open and the closed loop, around the pause.',
      howToRead:
        'Where a line falls, clients are waiting. At the fixed rate, requests that became due during the pause are all answered as soon as the database resumes: the peak after the gap. In the closed loop there is no peak, because requests that were never sent do not have to be answered later.',
      legend: curves,
      draw: (width) => drawCurves(width, { x: 'seconds', y: 'answers in 0.1 s' }, curves),
      table: table(
        'Tenths of a second without a right answer',
        ['load', 'without an answer', 'out of', 'most answers in one'],
        curves.map(({ name, points }) => [
          name,
          number(points.filter(([, count]) => count === 0).length),
          number(points.length),
          number(Math.max(0, ...points.map(([, count]) => count))),
        ]),
      ),
    },
  ]
}

const PAUSE_PERCENTILES = ['p50Ms', 'p90Ms', 'p95Ms', 'p99Ms', 'maxMs'] as const
const SLICE_MS = 100

/** Empty slices are not in the record, and are what this is about. */
function served(timeline: PauseExperiment['open']['timeline']): (readonly [second: number, served: number])[] {
  const counts = new Map(timeline.map(({ atMs, served: count }) => [Math.round(atMs / SLICE_MS), count]))
  const slices = Math.max(0, ...counts.keys()) + 1
  return Array.from({ length: slices }, (_, index) => [(index * SLICE_MS) / 1_000, counts.get(index) ?? 0] as const)
}

const WAY_NAMES: Record<AggregateWay, string> = {
  'connection-a-query-primary': 'one connection per query, primary',
  'connection-a-query-three': 'one connection per query, three servers',
  'pooled-primary': 'one pool, primary',
  'pooled-db-lb': 'one pool per server, three servers through db-lb',
}

function aggregateChart(aggregates: BenchRecord['aggregates']): ChartBlock {
  const sizes = [...new Set(aggregates.map(({ parallel }) => parallel))].toSorted((a, b) => a - b)
  const at = (way: AggregateWay, parallel: number) => aggregates.filter((run) => run.way === way && run.parallel === parallel)
  const rates = (way: AggregateWay, parallel: number) =>
    meanAndSpread(at(way, parallel).map(({ served, durationMs }) => (durationMs === 0 ? 0 : (served * 1_000) / durationMs)))
  const total = (way: AggregateWay, parallel: number, field: 'served' | 'tooManyClients' | 'otherErrors'): string =>
    number(at(way, parallel).reduce((sum, run) => sum + run[field], 0))
  const colors = ['fifth', 'single', 'third', 'balanced'] as const
  const series = AGGREGATE_WAYS.map((way, index) => ({
    name: WAY_NAMES[way],
    color: colors[index]!,
    values: sizes.map((parallel) => barOf(rates(way, parallel))),
  }))
  return {
    kind: 'chart',
    title: 'Aggregates answered per second',
    description: 'Bars of aggregate queries answered per second, for each way and number of parallel queries.',
    howToRead:
      'Compare the first pair with the second: within each pair, the number of servers differs, and only the second pair queues excess queries. If the pool on one server already avoids “too many clients”, the errors were a matter of connections and not of servers.',
    legend: series,
    draw: (width) => drawBars(width, 'answered / s', sizes.map(String), series),
    table: table(
      'The aggregate query over 100 000 rows, all runs together',
      ['way and parallel queries', 'seconds', 'answered', 'too many clients (53300)', 'other errors', 'p50 ms', 'p99 ms'],
      AGGREGATE_WAYS.flatMap((way) =>
        sizes
          .filter((parallel) => at(way, parallel).length > 0)
          .map((parallel) => [
            `${WAY_NAMES[way]}, ${parallel}`,
            spread(meanAndSpread(at(way, parallel).map(({ durationMs }) => durationMs / 1_000)), 2),
            total(way, parallel, 'served'),
            total(way, parallel, 'tooManyClients'),
            total(way, parallel, 'otherErrors'),
            spread(meanAndSpread(at(way, parallel).flatMap(({ latency: { p50Ms } }) => p50Ms ?? [])), 0),
            spread(meanAndSpread(at(way, parallel).flatMap(({ latency: { p99Ms } }) => p99Ms ?? [])), 0),
          ]),
      ),
    ),
  }
}

function barOf(value: ReturnType<typeof meanAndSpread>) {
  if (value === null) return null
  return value.deviation === null
    ? { mean: value.mean }
    : { mean: value.mean, low: Math.max(0, value.mean - value.deviation), high: value.mean + value.deviation }
}
