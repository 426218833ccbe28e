/**
 * How many times A is B, with its 95 % interval: from pairs of runs that were measured in turn.
 *
 *   A B │ B A │ A B │ B A …     one pair, one ratio; their geometric mean, and the percentile bootstrap of it
 *
 * A shared machine drifts by tens of percent within minutes: absolute figures from one session mean little, and two blocks
 * "first all A, then all B" mean less. Within a pair the drift cancels. Ratios multiply, so their logarithms are averaged:
 * twice as fast and half as fast are then equally far from "the same".
 */
import { mean } from 'simple-statistics'
import { seededRandom } from './seeded-random.ts'

export interface Ratio {
  /** Geometric mean of A/B over the pairs. */
  readonly ratio: number
  /** 95 %. */
  readonly low: number
  readonly high: number
  readonly pairs: number
}

/**
 * - `same`: the interval contains 1, so no winner is named
 * - `larger`, `smaller`: all of the interval is on that side
 */
export type Verdict = 'larger' | 'smaller' | 'same'

/** With one pair there is no spread to see, and an interval would be a point that looks certain. */
export const PAIRS_MIN = 2
const RESAMPLES = 10_000

/** Null when fewer than two pairs can be used. A pair with a rate of 0 has no ratio and is left out. */
export function pairedRatio(a: readonly number[], b: readonly number[]): Ratio | null {
  if (a.length !== b.length) throw new Error(`Failed to pair rates: found ${a.length} of A and ${b.length} of B, expected as many.`)
  const logRatios = a.map((rate, index) => Math.log(rate / b[index]!)).filter(Number.isFinite)
  if (logRatios.length < PAIRS_MIN) return null
  const [low, high] = bootstrapInterval(logRatios)
  return { ratio: Math.exp(mean(logRatios)), low: Math.exp(low), high: Math.exp(high), pairs: logRatios.length }
}

export function verdictOf({ low, high }: Ratio): Verdict {
  if (low > 1) return 'larger'
  return high < 1 ? 'smaller' : 'same'
}

/** The same statement with A and B changed round. */
export function inverted({ ratio, low, high, pairs }: Ratio): Ratio {
  return { ratio: 1 / ratio, low: 1 / high, high: 1 / low, pairs }
}

/** The percentile bootstrap of the mean, 95 %. */
function bootstrapInterval(values: readonly number[]): [number, number] {
  const random = seededRandom(values.length)
  const means = Array.from({ length: RESAMPLES }, () => mean(values.map(() => values[Math.floor(random() * values.length)]!)))
  means.sort((x, y) => x - y)
  return [means[Math.floor(RESAMPLES * 0.025)]!, means[Math.floor(RESAMPLES * 0.975)]!]
}
