/**
 * Percentiles of a run, exact.
 *
 * A run has a known number of requests, so every latency is kept, in microseconds: no buckets, no error of theirs. autocannon's own
 * histogram is in whole milliseconds, has no p95, and counts failed requests as if they were answers.
 */
import type { LatencySummary } from '../results/bench-record.ts'

export function summarizeLatencies(latenciesUs: Float64Array): LatencySummary {
  if (latenciesUs.length === 0) return { meanMs: null, p50Ms: null, p90Ms: null, p95Ms: null, p99Ms: null, maxMs: null }
  const ascending = latenciesUs.toSorted()
  const at = (share: number): number => percentile(ascending, share) / 1000
  const meanUs = ascending.reduce((sum, latencyUs) => sum + latencyUs, 0) / ascending.length
  return { meanMs: meanUs / 1000, p50Ms: at(0.5), p90Ms: at(0.9), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) }
}

/** The nearest-rank percentile: a value that was measured, never one between two. */
export function percentile(ascending: Float64Array, share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)]!
}
