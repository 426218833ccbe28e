/**
 * The account of one run: every request is begun once and ends once, in one class.
 *
 * The sum is right by construction: what was begun and not ended when the run is over is an error of the generator and is thrown,
 * not rounded away. Latencies go into an array of the run's size, so memory is bounded and percentiles are exact.
 */
import type { Outcome, OutcomeCounts, ReadChecks, TimelinePoint } from '../results/bench-record.ts'
import { OUTCOMES } from '../results/bench-record.ts'
import { percentile, summarizeLatencies } from './latency-summary.ts'
import type { PageFreshness } from './read-check.ts'

export interface EndedRequest {
  readonly index: number
  readonly isWrite: boolean
  readonly outcome: Outcome
  /** For everything that was not served: the status, an error code, or what is wrong with the body. */
  readonly failure?: string
  readonly freshness?: PageFreshness | undefined
  readonly latencyMs: number
  /** Of the answer, as far as it came; headers included. */
  readonly bytes: number
}

const WINDOW_MS = 100
const NOT_ENDED = 0

export class Tally {
  readonly #startedAtMs: number
  readonly #outcomes: Uint8Array
  readonly #isWrite: Uint8Array
  readonly #latenciesUs: Float64Array
  readonly #endedAtMs: Float64Array
  readonly #failures = new Map<string, number>()
  #bytes = 0
  #ended = 0
  #checked = 0
  #stale = 0
  #staleByMax = 0

  /** `startedAtMs` is of `performance.now()`. */
  constructor(requests: number, startedAtMs: number) {
    this.#startedAtMs = startedAtMs
    this.#outcomes = new Uint8Array(requests)
    this.#isWrite = new Uint8Array(requests)
    this.#latenciesUs = new Float64Array(requests)
    this.#endedAtMs = new Float64Array(requests)
  }

  end({ index, isWrite, outcome, failure, freshness, latencyMs, bytes }: EndedRequest): void {
    if (this.#outcomes[index] !== NOT_ENDED) throw new Error(`request ${index} ended twice, the second time as ${outcome}`)
    this.#outcomes[index] = 1 + OUTCOMES.indexOf(outcome)
    this.#isWrite[index] = isWrite ? 1 : 0
    this.#latenciesUs[index] = Math.round(latencyMs * 1000)
    this.#endedAtMs[index] = performance.now() - this.#startedAtMs
    this.#bytes += bytes
    this.#ended++
    if (outcome !== 'served') this.#countFailure(failure ?? outcome)
    if (freshness) this.#countFreshness(freshness)
  }

  get ended(): number {
    return this.#ended
  }

  get bytes(): number {
    return this.#bytes
  }

  get failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#failures)
  }

  get reads(): ReadChecks {
    return { checked: this.#checked, stale: this.#stale, staleByMax: this.#staleByMax }
  }

  /** Of the first `begun` requests, each of which must have ended. */
  outcomes(begun: number, kind?: 'read' | 'write'): OutcomeCounts {
    const counts: Record<Outcome, number> = { served: 0, wrong: 0, refused: 0, timedOut: 0, lost: 0 }
    for (let index = 0; index < begun; index++) {
      const outcome = OUTCOMES[this.#outcomes[index]! - 1]
      if (outcome === undefined) throw new Error(`request ${index} was begun and never ended`)
      if (kind === undefined || (kind === 'write') === (this.#isWrite[index] === 1)) counts[outcome]++
    }
    return counts
  }

  /** Of served requests. */
  latency(kind?: 'read' | 'write'): ReturnType<typeof summarizeLatencies> {
    return summarizeLatencies(this.#latenciesUs.filter((_, index) => this.#isServed(index, kind)))
  }

  timeline(): TimelinePoint[] {
    const windows = new Map<number, number[]>()
    for (const [index, endedAtMs] of this.#endedAtMs.entries()) {
      if (!this.#isServed(index)) continue
      const window = Math.floor(endedAtMs / WINDOW_MS)
      const latenciesUs = windows.get(window)
      if (latenciesUs) latenciesUs.push(this.#latenciesUs[index]!)
      else windows.set(window, [this.#latenciesUs[index]!])
    }
    return [...windows]
      .toSorted(([a], [b]) => a - b)
      .map(([window, latenciesUs]) => {
        const ascending = Float64Array.from(latenciesUs).sort()
        const [maxMs, p50Ms] = [percentile(ascending, 1) / 1000, percentile(ascending, 0.5) / 1000]
        return { atMs: window * WINDOW_MS, maxMs, p50Ms, served: ascending.length }
      })
  }

  #isServed(index: number, kind?: 'read' | 'write'): boolean {
    if (this.#outcomes[index] !== 1 + OUTCOMES.indexOf('served')) return false
    return kind === undefined || (kind === 'write') === (this.#isWrite[index] === 1)
  }

  #countFailure(failure: string): void {
    this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1)
  }

  #countFreshness({ staleBy }: PageFreshness): void {
    this.#checked++
    if (staleBy > 0) this.#stale++
    this.#staleByMax = Math.max(this.#staleByMax, staleBy)
  }
}
