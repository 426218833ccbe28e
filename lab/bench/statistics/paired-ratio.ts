/**
 * How many times A is B, with its 95 % interval: from pairs of runs that were measured in turn.
 *
 *   A B │ B A │ A B │ B A …     one pair, one ratio; their geometric mean, and the interval of it
 *
 * A shared machine drifts by tens of percent within minutes: absolute figures from one session mean little, and two blocks
 * "first all A, then all B" mean less. Within a pair the drift cancels. Ratios multiply, so their logarithms are averaged:
 * twice as fast and half as fast are then equally far from "the same".
 */
import { mean } from 'simple-statistics'
import { intervalOfDifference, intervalOfMean } from './interval.ts'

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
const PAIRS_MIN = 2

/** Null when fewer than two pairs can be used. A pair with a rate of 0 has no ratio and is left out. */
export function pairedRatio(a: readonly number[], b: readonly number[]): Ratio | null {
  if (a.length !== b.length) throw new Error(`Failed to pair rates: found ${a.length} of A and ${b.length} of B, expected the same number.`)
  const logRatios = a.map((rate, index) => Math.log(rate / b[index]!)).filter(Number.isFinite)
  if (logRatios.length < PAIRS_MIN) return null
  const [low, high] = intervalOfMean(logRatios)
  return { ratio: Math.exp(mean(logRatios)), low: Math.exp(low), high: Math.exp(high), pairs: logRatios.length }
}

export function verdictOf({ low, high }: Ratio): Verdict {
  if (low > 1) return 'larger'
  return high < 1 ? 'smaller' : 'same'
}

/**
 * A/B of rates that were not measured in turn, for example in two sessions. Here a drift of the machine does not cancel: the interval
 * holds what the runs of one session differ by, and not what the sessions do.
 */
export function unpairedRatio(a: readonly number[], b: readonly number[]): Ratio | null {
  const [logsA, logsB] = [a, b].map((rates) => rates.map((rate) => Math.log(rate)).filter(Number.isFinite)) as [number[], number[]]
  const fewest = Math.min(logsA.length, logsB.length)
  if (fewest < PAIRS_MIN) return null
  const [low, high] = intervalOfDifference(logsA, logsB)
  return { ratio: Math.exp(mean(logsA) - mean(logsB)), low: Math.exp(low), high: Math.exp(high), pairs: fewest }
}

/** A − B over the pairs, for figures that may be 0, such as error rates. */
export function pairedDifference(a: readonly number[], b: readonly number[]): { mean: number; low: number; high: number } | null {
  const differences = a.map((value, index) => value - b[index]!)
  if (differences.length < PAIRS_MIN || a.length !== b.length) return null
  const [low, high] = intervalOfMean(differences)
  return { mean: mean(differences), low, high }
}
