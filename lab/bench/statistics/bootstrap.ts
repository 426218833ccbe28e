/**
 * The percentile bootstrap (Efron): how far a figure would move if the same runs were drawn again, with replacement.
 *
 * With three or four runs it is rough, and reaches from about the lowest of them to the highest; it never pretends to more.
 */
import { seededRandom } from './seeded-random.ts'

const RESAMPLES = 10_000
const TAIL = 0.025

/** The 95 % interval of what `figure` makes of one drawing; `pick` draws from the values of one side. Seeded by their number. */
export function bootstrapInterval(seed: number, figure: (pick: (values: readonly number[]) => number[]) => number): [number, number] {
  const random = seededRandom(seed)
  const pick = (values: readonly number[]): number[] => values.map(() => values[Math.floor(random() * values.length)]!)
  const figures = Array.from({ length: RESAMPLES }, () => figure(pick)).sort((x, y) => x - y)
  return [figures[Math.floor(RESAMPLES * TAIL)]!, figures[Math.floor(RESAMPLES * (1 - TAIL))]!]
}
