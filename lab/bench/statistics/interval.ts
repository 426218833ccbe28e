/**
 * 95 % intervals of a mean, from as few values as a bench has runs.
 *
 *   up to thirty  Student's t: wide, because three runs know little
 *   more          the percentile bootstrap (Efron), which assumes no shape
 *
 * The bootstrap of few values cannot reach beyond the lowest and the highest of them: of three it holds the truth three times in four,
 * of two every other time, of twelve 91 times in 100, and an A/A test of two pairs would find a difference where there is none as often as not (decision 0037).
 */
import { mean, sampleStandardDeviation } from 'simple-statistics'
import { seededRandom } from './seeded-random.ts'

export type Interval = readonly [low: number, high: number]

/** Of two values or more. */
export function intervalOfMean(values: readonly number[]): Interval {
  const student = STUDENT_T[values.length - 2]
  if (student === undefined) return bootstrapInterval(values.length, (pick) => mean(pick(values)))
  return around(mean([...values]), student * standardError(values))
}

/** Of the mean of A minus that of B, which were not measured in pairs; two values or more of each. Welch's, with the fewer degrees of freedom. */
export function intervalOfDifference(a: readonly number[], b: readonly number[]): Interval {
  const fewest = Math.min(a.length, b.length)
  const student = STUDENT_T[fewest - 2]
  if (student === undefined) return bootstrapInterval(fewest, (pick) => mean(pick(a)) - mean(pick(b)))
  return around(mean([...a]) - mean([...b]), student * Math.hypot(standardError(a), standardError(b)))
}

/** Two-sided 95 %, for 1, 2, 3 … degrees of freedom; any table has them. */
const STUDENT_T = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
  2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045,
]

const RESAMPLES = 10_000
const TAIL = 0.025

function standardError(values: readonly number[]): number {
  return sampleStandardDeviation([...values]) / Math.sqrt(values.length)
}

function around(middle: number, half: number): Interval {
  return [middle - half, middle + half]
}

/** Of what `figure` makes of one drawing with replacement; `pick` draws from the values of one side. Seeded by their number. */
function bootstrapInterval(seed: number, figure: (pick: (values: readonly number[]) => number[]) => number): Interval {
  const random = seededRandom(seed)
  const pick = (values: readonly number[]): number[] => values.map(() => values[Math.floor(random() * values.length)]!)
  const figures = Array.from({ length: RESAMPLES }, () => figure(pick)).sort((x, y) => x - y)
  return [figures[Math.floor(RESAMPLES * TAIL)]!, figures[Math.floor(RESAMPLES * (1 - TAIL))]!]
}
