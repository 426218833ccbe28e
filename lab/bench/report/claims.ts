/**
 * The report's claims, and what a record says to each: computed from its intervals, so another record may conclude otherwise.
 *
 *   upheld            the interval holds the claimed figure, and not "no difference", and is narrow enough to mean something
 *   not upheld        the claimed figure lies outside the interval
 *   cannot be said    both lie inside, or it is too wide, or nothing was measured, or the measurement itself is in doubt
 */
import type { BenchRecord, LoadName } from '../results/bench-record.ts'
import { noiseFloor } from '../statistics/noise-floor.ts'
import { pairedDifference, pairedRatio, type Ratio } from '../statistics/paired-ratio.ts'
import { gainText, number, percent, ratioText } from './figure-text.ts'
import {
  errorRate,
  goodput,
  isLimitedByGenerator,
  latency,
  pairsOf,
  ratioOf,
  scenariosOf,
  transfer,
  type Metric,
  type Scenario,
} from './scenario.ts'

export type Standing = 'upheld' | 'not upheld' | 'cannot be said'

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

export function conclusionsOf(record: BenchRecord): readonly Conclusion[] {
  const scenarios = scenariosOf(record.repetitions).filter(({ first }) => first.loop === 'closed')
  const doubt = doubtOf(record)
  return [
    ...scenarios.flatMap((scenario) => gainConclusions(scenario, doubt)),
    ...missingLoads(scenarios),
    ...scenarios.map(errorConclusion),
    aggregateConclusion(record),
  ]
}

/** A reason why no interval of this record should be believed. */
function doubtOf({ noiseFloor: pairs }: BenchRecord): string | null {
  const floor = pairs && noiseFloor(pairs.ratesA, pairs.ratesB)
  return floor && !floor.isSound ? `the same configuration differed from itself (${ratioText(floor.ratio)})` : null
}

function gainConclusions(scenario: Scenario, doubt: string | null): Conclusion[] {
  const limited = [...scenario.balanced.kept, ...scenario.single.kept].some(isLimitedByGenerator)
  const reason = limited ? 'the load generator was the bottleneck in some of these runs' : doubt
  return GAIN_CLAIMS.filter(({ load }) => load === scenario.first.load).map((claim) => {
    const ours = ratioOf(scenario, claim.metric)
    return {
      claim: `${claim.what} ${gainText({ ratio: claim.ratio, low: claim.ratio, high: claim.ratio, pairs: 1 }).split(' [')[0]!} under ${claim.load}`,
      section: claim.section,
      measured: `${gainText(ours)} (${scenario.name})`,
      ...judge(ours, claim.ratio, reason),
    }
  })
}

export function judge(ours: Ratio | null, claimed: number, doubt: string | null): { standing: Standing; because: string } {
  if (ours === null) return { standing: 'cannot be said', because: 'fewer than two unbroken pairs of runs' }
  if (doubt !== null) return { standing: 'cannot be said', because: doubt }
  const holdsClaim = ours.low <= claimed && claimed <= ours.high
  const holdsNone = ours.low <= 1 && 1 <= ours.high
  if (!holdsClaim) {
    const side = claimed > ours.high ? 'below' : 'above'
    const more = holdsNone ? ', and holds "no difference"' : ''
    return { standing: 'not upheld', because: `the interval lies ${side} the claimed figure${more}` }
  }
  if (holdsNone) return { standing: 'cannot be said', because: 'the interval holds the claimed figure and "no difference"' }
  if (ours.high / ours.low > WIDTH_MAX)
    return { standing: 'cannot be said', because: 'the interval holds the claimed figure, and too much else' }
  return { standing: 'upheld', because: 'the interval holds the claimed figure' }
}

function missingLoads(scenarios: readonly Scenario[]): Conclusion[] {
  const measured = new Set(scenarios.map(({ first }) => first.load))
  return [...new Set(GAIN_CLAIMS.map(({ load }) => load))]
    .filter((load) => !measured.has(load))
    .map((load) => ({
      claim: `what it says of ${load}`,
      section: '6',
      measured: 'not measured',
      standing: 'cannot be said',
      because: 'this record has no such run',
    }))
}

function errorConclusion(scenario: Scenario): Conclusion {
  const { a, b } = pairsOf(scenario, errorRate)
  const difference = pairedDifference(a, b)
  const claimed = ERROR_RATES.balanced - ERROR_RATES.single
  const claim = `${percent(ERROR_RATES.balanced)} errors with load balancing, ${percent(ERROR_RATES.single)} without`
  if (difference === null) {
    const because = 'fewer than two unbroken pairs of runs'
    return { claim, section: '8.1', measured: `– (${scenario.name})`, standing: 'cannot be said', because }
  }
  const { mean, low, high } = difference
  const points = `${number(mean * 100, 2)} points [${number(low * 100, 2)}, ${number(high * 100, 2)}]`
  const holdsClaim = low <= claimed && claimed <= high
  const standing: Standing = !holdsClaim ? 'not upheld' : high < 0 ? 'upheld' : 'cannot be said'
  const because = `the claimed difference is ${number(claimed * 100, 2)} points`
  return { claim, section: '8.1', measured: `${points} (${scenario.name})`, standing, because }
}

function aggregateConclusion({ aggregates }: BenchRecord): Conclusion {
  const at = (way: string) => aggregates.filter((run) => run.way === way && run.parallel === AGGREGATE_PARALLEL)
  const [primary, three] = [at('connection-a-query-primary'), at('connection-a-query-three')]
  const pairs = primary.flatMap((run) => {
    const other = three.find((candidate) => candidate.run === run.run)
    return other === undefined ? [] : [[run.durationMs, other.durationMs] as const]
  })
  const ours = pairedRatio(
    pairs.map(([one]) => one),
    pairs.map(([, spread]) => spread),
  )
  return {
    claim: `${number(AGGREGATE_RATIO, 1)} times faster over three servers at ${AGGREGATE_PARALLEL} parallel aggregates`,
    section: '6.3.2',
    measured: `${ratioText(ours)} times, one connection a query`,
    ...judge(ours, AGGREGATE_RATIO, null),
  }
}
