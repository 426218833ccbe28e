/**
 * The same configuration measured against itself (A/A): the difference that this machine shows where there is none.
 *
 * If the interval contains 1 the method is sound here. The farther end of it is the floor: a difference between two
 * configurations that is smaller than this is not told apart from noise, whatever its own interval says.
 */
import { pairedRatio, verdictOf, type Ratio } from './paired-ratio.ts'

export interface NoiseFloor {
  readonly ratio: Ratio
  /** False: the machine showed a difference where there is none, and intervals of this run are too narrow. */
  readonly isSound: boolean
  /** The farthest that the interval is from 1, as a share: 0.04 for [0.97, 1.04]. */
  readonly floor: number
}

/** Whether a ratio is no farther from 1 than the floor. By their logarithms: half as fast is as far as twice as fast. */
export function isHiddenBy({ ratio: { low, high } }: NoiseFloor, ratio: number): boolean {
  return Math.abs(Math.log(ratio)) < Math.max(Math.abs(Math.log(low)), Math.abs(Math.log(high)))
}

export function noiseFloor(ratesA: readonly number[], ratesB: readonly number[]): NoiseFloor | null {
  const ratio = pairedRatio(ratesA, ratesB)
  if (ratio === null) return null
  const floor = Math.max(Math.abs(ratio.high - 1), Math.abs(1 - ratio.low))
  return { ratio, isSound: verdictOf(ratio) === 'same', floor }
}
