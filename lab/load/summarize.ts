/**
 * From samples to what a person reads: statuses, percentiles, and for each tier who served how many.
 *
 * Times are those of answers below 400 only: an error that comes at once would make a broken service the fastest.
 */
import type { Sample } from './send-load.ts'

export interface LoadSummary {
  readonly requests: number
  /** Answers below 400: those that the times are of. */
  readonly timed: number
  /** By status, "no answer" for none. */
  readonly statuses: Readonly<Record<string, number>>
  /** How many went out once more because their kept connection had been closed. */
  readonly secondTries: number
  /** Milliseconds; `null` without a single good answer. */
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p99Ms: number | null
  /** For each tier, in the order of the way: answers by instance. */
  readonly tiers: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function summarize(samples: readonly Sample[]): LoadSummary {
  const durationsMs = samples
    .filter(({ status }) => status !== null && status < 400)
    .map((sample) => sample.durationMs)
    .toSorted((a, b) => a - b)
  const tiers: Record<string, Record<string, number>> = {}
  const statuses: Record<string, number> = {}
  for (const { status, servedBy } of samples) {
    count(statuses, status === null ? 'no answer' : String(status))
    for (const instance of servedBy.split(', ').filter(Boolean)) count((tiers[instance.replace(/\d+$/, '')] ??= {}), instance)
  }
  const secondTries = samples.filter(({ isSecondTry }) => isSecondTry).length
  const [p50Ms, p90Ms, p99Ms] = [50, 90, 99].map((percent) => percentile(durationsMs, percent)) as [
    number | null,
    number | null,
    number | null,
  ]
  return { requests: samples.length, timed: durationsMs.length, statuses, secondTries, p50Ms, p90Ms, p99Ms, tiers }
}

/** The nearest rank: a value that was measured, never one between two. `sorted` ascends. */
export function percentile(sorted: readonly number[], percent: number): number | null {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** Lines for a terminal. */
export function describeLoad({ requests, timed, statuses, secondTries, p50Ms, p90Ms, p99Ms, tiers }: LoadSummary): string[] {
  const shown = (ms: number | null): string => (ms === null ? '-' : `${ms.toFixed(1)} ms`)
  return [
    `${requests} requests: ${listed(statuses).join(', ')}`,
    ...(secondTries > 0 ? [`${secondTries} of them sent twice: their kept connection had been closed`] : []),
    `p50 ${shown(p50Ms)}   p90 ${shown(p90Ms)}   p99 ${shown(p99Ms)}`,
    ...(timed < requests ? [`these times are of the ${timed} answers below 400, and of no other request`] : []),
    ...Object.entries(tiers).map(([tier, counts]) => `${tier.padEnd(8)}  ${listed(counts).join('   ')}`),
  ]
}

function listed(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, times]) => `${name} × ${times}`)
}
