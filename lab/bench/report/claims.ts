/**
 * The report's claims, and what a record says to each: computed from its intervals, so another record may conclude otherwise.
 *
 *   upheld            the interval contains the claimed figure, but not "no difference", and is narrow enough to mean something
 *   not upheld        the claimed figure lies outside the interval
 *   inconclusive      both lie inside, or it is too wide, or nothing was measured, or the measurement itself is in doubt (doubt.ts)
 */
import type { AggregateRun, AggregateWay, BenchRecord, LoadName } from '../results/bench-record.ts'
import { intervalOfMean } from '../statistics/interval.ts'
import { pairedDifference, pairedRatio, verdictOf, type Ratio, type Verdict } from '../statistics/paired-ratio.ts'
import { Doubt } from './doubt.ts'
import { gainText, number, percent, ratioText } from './figure-text.ts'
import { errorRate, goodput, latency, pairsOf, ratioOf, scenariosOf, transfer, type Metric, type Scenario } from './scenario.ts'

export type Standing = 'upheld' | 'not upheld' | 'inconclusive'

export interface Conclusion {
  readonly claim: string
  /** Of the report. */
  readonly section: string
  readonly measured: string
  readonly standing: Standing
  readonly because: string
}

interface GainClaim {
  readonly load: LoadName
  readonly section: string
  readonly what: string
  readonly metric: Metric
  /** Balanced against single. */
  readonly ratio: number
}

export const GAIN_CLAIMS: readonly GainClaim[] = [
  { load: 'light', section: '6.2', what: 'requests/s', metric: goodput, ratio: 1.206 },
  { load: 'light', section: '6.4', what: 'requests/s', metric: goodput, ratio: 1.418 },
  { load: 'medium', section: '6.4', what: 'requests/s', metric: goodput, ratio: 1.552 },
  { load: 'intensive', section: '6.3.1, 6.4', what: 'requests/s', metric: goodput, ratio: 1.673 },
  { load: 'stress', section: '6.4', what: 'requests/s', metric: goodput, ratio: 1.759 },
  { load: 'light', section: '6.2', what: 'mean latency', metric: latency('meanMs'), ratio: 0.836 },
  { load: 'intensive', section: '6.3.1', what: 'mean latency', metric: latency('meanMs'), ratio: 0.598 },
  { load: 'intensive', section: '6.3.1', what: 'median latency', metric: latency('p50Ms'), ratio: 0.608 },
  { load: 'intensive', section: '6.3.1', what: 'p90 latency', metric: latency('p90Ms'), ratio: 0.626 },
  { load: 'light', section: '6.2', what: 'transfer rate', metric: transfer, ratio: 2.177 },
  { load: 'intensive', section: '6.3.1', what: 'transfer rate', metric: transfer, ratio: 3.397 },
]

/** Seconds for 500 parallel aggregates on the primary, and spread over three (6.3.2). */
const AGGREGATE_RATIO = 250.36 / 79.8
export const AGGREGATE_PARALLEL = 500
/** An interval whose ends are farther apart than this, as a ratio, upholds nothing: it would uphold almost any figure. */
const WIDTH_MAX = 2
/** Shares of requests (8.1). */
const ERROR_RATES = { balanced: 0.0005, single: 0.0325 }
const NONE_SEEN_TAIL = 0.025
const TOO_FEW = 'fewer than two pairs without a broken run'

export function conclusionsOf(record: BenchRecord): readonly Conclusion[] {
  const scenarios = scenariosOf(record.repetitions).filter(({ first }) => first.loop === 'closed')
  const doubt = new Doubt(record)
  return [
    ...scenarios.flatMap((scenario) => gainConclusions(scenario, doubt)),
    ...missingLoads(scenarios),
    ...scenarios.map((scenario) => errorConclusion(scenario, doubt)),
    ...aggregateConclusions(record),
  ]
}

function gainConclusions(scenario: Scenario, doubt: Doubt): Conclusion[] {
  return GAIN_CLAIMS.filter(({ load }) => load === scenario.first.load).map((claim) => {
    const ours = ratioOf(scenario, claim.metric)
    return {
      claim: `${claim.what} ${gainText({ ratio: claim.ratio, low: claim.ratio, high: claim.ratio, pairs: 1 }).split(' [')[0]!} under ${claim.load}`,
      section: claim.section,
      measured: `${gainText(ours)} (${scenario.name})`,
      ...judge(ours, claim.ratio, doubt.of(scenario), ours && doubt.verdict(ours)),
    }
  })
}

/** `verdict`: whether our ratio is told apart from "no difference"; by its interval alone if nothing else is known. */
export function judge(
  ours: Ratio | null,
  claimed: number,
  doubt: string | null,
  verdict: Verdict | null = ours && verdictOf(ours),
): { standing: Standing; because: string } {
  if (ours === null) return { standing: 'inconclusive', because: TOO_FEW }
  if (doubt !== null) return { standing: 'inconclusive', because: doubt }
  const holdsClaim = ours.low <= claimed && claimed <= ours.high
  const holdsNone = verdictOf(ours) === 'same'
  if (!holdsClaim) {
    const side = claimed > ours.high ? 'below' : 'above'
    const more = holdsNone ? ', and contains "no difference"' : ''
    return { standing: 'not upheld', because: `the interval lies ${side} the claimed figure${more}` }
  }
  if (holdsNone) return { standing: 'inconclusive', because: 'the interval contains both the claimed figure and "no difference"' }
  if (verdict === 'same') return { standing: 'inconclusive', because: 'our difference is within the A/A noise' }
  if (ours.high / ours.low > WIDTH_MAX)
    return { standing: 'inconclusive', because: 'the interval contains the claimed figure, but is too wide to confirm it' }
  return { standing: 'upheld', because: 'the interval contains the claimed figure' }
}

function missingLoads(scenarios: readonly Scenario[]): Conclusion[] {
  const measured = new Set(scenarios.map(({ first }) => first.load))
  return [...new Set(GAIN_CLAIMS.map(({ load }) => load))]
    .filter((load) => !measured.has(load))
    .map((load) => ({
      claim: `its figures for ${load} load`,
      section: '6',
      measured: 'not measured',
      standing: 'inconclusive',
      because: 'this record has no such run',
    }))
}

/** Upheld only if both rates are found, and told apart; the difference alone would uphold 50 % against 53.2 %. */
function errorConclusion(scenario: Scenario, doubt: Doubt): Conclusion {
  const { a, b } = pairsOf(scenario, errorRate)
  const difference = pairedDifference(a, b)
  const claim = `${percent(ERROR_RATES.balanced)} errors with load balancing, ${percent(ERROR_RATES.single)} without`
  const of = { claim, section: '8.1' }
  if (difference === null) return { ...of, measured: `– (${scenario.name})`, standing: 'inconclusive', because: TOO_FEW }
  const sides = [
    { claimed: ERROR_RATES.balanced, ours: rateInterval(a, requestedOf(scenario.balanced)) },
    { claimed: ERROR_RATES.single, ours: rateInterval(b, requestedOf(scenario.single)) },
  ]
  const measured = `${sides.map(({ ours }) => ours.text).join(' with, ')} without (${scenario.name})`
  const reason = doubt.of(scenario)
  if (reason !== null) return { ...of, measured, standing: 'inconclusive', because: reason }
  const outside = sides.filter(({ claimed, ours: { low, high } }) => claimed < low || high < claimed)
  if (outside.length > 0) {
    const because = `${outside.map(({ claimed }) => percent(claimed)).join(' and ')} ${outside.length > 1 ? 'lie outside the measured intervals' : 'lies outside the measured interval'}`
    return { ...of, measured, standing: 'not upheld', because }
  }
  if (difference.high >= 0) return { ...of, measured, standing: 'inconclusive', because: 'the two rates cannot be told apart' }
  return { ...of, measured, standing: 'upheld', because: 'both rates lie within the measured intervals, and the two differ' }
}

/** Runs without any error have no spread, and yet are no proof that there never is one: then as many as N requests leave possible (exact, 95 %). */
function rateInterval(rates: readonly number[], requested: number): { low: number; high: number; text: string } {
  if (rates.every((rate) => rate === 0)) {
    const high = 1 - NONE_SEEN_TAIL ** (1 / requested)
    return { low: 0, high, text: `${percent(0)} (0 of ${number(requested)}; at most ${percent(high, high < 0.001 ? 3 : 2)})` }
  }
  const [low, high] = intervalOfMean(rates).map((end) => Math.min(1, Math.max(0, end))) as [number, number]
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  return { low, high, text: `${percent(mean)} [${percent(low)}, ${percent(high)}]` }
}

function requestedOf({ kept }: Scenario['balanced']): number {
  return kept.reduce((sum, { requested }) => sum + requested, 0)
}

/**
 * A duration is that of what was done in it, and a refusal is soon done: with refusals only rates of answers can be compared, and the
 * report has no such figure. With pools everybody is answered, so there the claim can be tried.
 */
function aggregateConclusions({ aggregates }: BenchRecord): Conclusion[] {
  const of = {
    claim: `${number(AGGREGATE_RATIO, 1)} times faster across three servers at ${AGGREGATE_PARALLEL} parallel aggregates`,
    section: '6.3.2',
  }
  const bare = pairsOfWays(aggregates, 'connection-a-query-primary', 'connection-a-query-three')
  const isRefused = bare.some((pair) => pair.some(({ served, parallel }) => served < parallel))
  const judged = (pairs: typeof bare, how: string): Conclusion => {
    const ours = ratioOfRuns(pairs, ({ durationMs }) => durationMs)
    return { ...of, measured: `${ratioText(ours)} times, ${how}`, ...judge(ours, AGGREGATE_RATIO, null) }
  }
  const pooled = pairsOfWays(aggregates, 'pooled-primary', 'pooled-db-lb')
  const unanswered = pooled.flat().reduce((sum, { parallel, served }) => sum + parallel - served, 0)
  const pooledConclusion = (): Conclusion =>
    unanswered === 0
      ? judged(pooled, 'pools, every query answered')
      : {
          ...judged(pooled, `pools, ${number(unanswered)} queries not answered`),
          standing: 'inconclusive',
          because: 'not every query was answered, so the durations cover different amounts of work',
        }
  return [
    isRefused ? { ...of, ...refusedConclusion(bare) } : judged(bare, 'one connection per query'),
    ...(pooled.length === 0 ? [] : [pooledConclusion()]),
  ]
}

function refusedConclusion(pairs: readonly AggregatePair[]): Pick<Conclusion, 'measured' | 'standing' | 'because'> {
  const [one, three] = [0, 1].map((side) => {
    const runs = pairs.map((pair) => pair[side]!)
    return `${number(runs.reduce((sum, { served }) => sum + served, 0))} of ${number(runs.length * AGGREGATE_PARALLEL)}`
  })
  const rates = ratioOfRuns(pairs, ({ durationMs, served }) => durationMs / served)
  return {
    measured: `${ratioText(rates)} times the answers per second, one connection per query`,
    standing: 'inconclusive',
    because: `one server answered ${one!}, three answered ${three!}, and the rest were refused, so the durations cover different amounts of work`,
  }
}

type AggregatePair = readonly [one: AggregateRun, three: AggregateRun]

function pairsOfWays(aggregates: readonly AggregateRun[], one: AggregateWay, three: AggregateWay): AggregatePair[] {
  const at = (way: AggregateWay) => aggregates.filter((run) => run.way === way && run.parallel === AGGREGATE_PARALLEL)
  return at(one).flatMap((run): AggregatePair[] => {
    const other = at(three).find((candidate) => candidate.run === run.run)
    return other === undefined ? [] : [[run, other]]
  })
}

function ratioOfRuns(pairs: readonly AggregatePair[], figure: (run: AggregateRun) => number): Ratio | null {
  return pairedRatio(
    pairs.map(([one]) => figure(one)),
    pairs.map(([, three]) => figure(three)),
  )
}
