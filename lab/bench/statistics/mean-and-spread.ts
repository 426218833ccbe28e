/**
 * A figure over the repetitions of one test: the mean and standard deviation that the report's protocol asks for (6.1).
 *
 * The run is the unit, not the request: 15 000 requests of one run share its luck, and would give a spread far too small.
 */
import { mean, sampleStandardDeviation } from 'simple-statistics'

export interface MeanAndSpread {
  readonly mean: number
  /** Of the sample (n − 1); null for fewer than two values. */
  readonly deviation: number | null
  readonly count: number
}

/** Null when there is nothing to average. */
export function meanAndSpread(values: readonly number[]): MeanAndSpread | null {
  if (values.length === 0) return null
  const sample = [...values]
  return { mean: mean(sample), deviation: sample.length < 2 ? null : sampleStandardDeviation(sample), count: sample.length }
}
