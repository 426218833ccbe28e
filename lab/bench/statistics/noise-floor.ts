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
  /** The farthest that the interval is from 1, as a factor above it: 1.25 for [0.8, 1.1]. What lies between 1/factor and factor is hidden. */
  readonly factor: number
}

/** Whether a ratio is no farther from 1 than the floor. By their logarithms: half as fast is as far as twice as fast. */
export function isHiddenBy({ factor }: NoiseFloor, ratio: number): boolean {
  return Math.abs(Math.log(ratio)) < Math.log(factor)
}

export function noiseFloor(ratesA: readonly number[], ratesB: readonly number[]): NoiseFloor | null {
  const ratio = pairedRatio(ratesA, ratesB)
  if (ratio === null) return null
  const factor = Math.max(ratio.high, 1 / ratio.low)
  return { ratio, isSound: verdictOf(ratio) === 'same', factor }
}
