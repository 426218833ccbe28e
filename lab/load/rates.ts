/**
 * How fast a load went, in the four figures that are mistaken for each other.
 *
 * Throughput counts every answer, goodput only good ones: whoever counts the first and calls it the second finds that a service which refuses
 * everything is the fastest of all. The mean is over all requests, so that Little's law can be held against it.
 */
import type { Sample } from './send-load.ts'

export interface Rates {
  readonly seconds: number
  /** Answers of any status, per second. */
  readonly throughputPerS: number
  /** Answers below 400, per second. */
  readonly goodputPerS: number
  /** Of all requests, those without an answer included; `null` without any. */
  readonly meanMs: number | null
  readonly slowestMs: number | null
}

export function ratesOf(samples: readonly Sample[], lastedMs: number): Rates {
  const seconds = lastedMs / 1000
  const answered = samples.filter(({ status }) => status !== null).length
  const good = samples.filter(isGood).length
  const slowestMs = samples.reduce((slowest, { durationMs }) => Math.max(slowest, durationMs), 0)
  const meanMs = samples.reduce((sum, { durationMs }) => sum + durationMs, 0) / samples.length
  const isEmpty = samples.length === 0
  return {
    seconds,
    throughputPerS: answered / seconds,
    goodputPerS: good / seconds,
    meanMs: isEmpty ? null : meanMs,
    slowestMs: isEmpty ? null : slowestMs,
  }
}

function isGood({ status }: Sample): boolean {
  return status !== null && status < 400
}

/** A line for a terminal. */
export function describeRates({ throughputPerS, goodputPerS, meanMs, slowestMs }: Rates): string {
  const shown = (ms: number | null): string => (ms === null ? '-' : `${ms.toFixed(1)} ms`)
  return `throughput ${throughputPerS.toFixed(1)}/s   goodput ${goodputPerS.toFixed(1)}/s   mean ${shown(meanMs)}   slowest ${shown(slowestMs)}`
}
