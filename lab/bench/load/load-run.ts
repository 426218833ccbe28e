/**
 * What a run of load is asked for, and what it says happened: the contract between the suite and the two generators.
 *
 *   suite ─▶ runLoad(LoadOptions) ─▶ closed-loop.ts | open-loop.ts ─▶ LoadRun ─▶ Repetition (results/bench-record.ts)
 *
 * The names of LoadRun are those of Repetition, so a repetition is the run, what was measured beside it, and labels.
 */
import type { OutcomeCounts, Repetition, TimelinePoint } from '../results/bench-record.ts'
import type { WriteLedger } from './write-ledger.ts'

export interface LoadOptions {
  /** Where the load enters, for example `http://127.0.0.1:8080`. */
  readonly entryUrl: string
  readonly requests: number
  /** Closed loop: that many clients, each with one request in flight. Open loop: how many may be in flight. */
  readonly connections: number
  readonly loop: 'closed' | 'open'
  /** Open loop only; `null` in a closed one. */
  readonly ratePerSecond: number | null
  /** The same seed and share give the same order of reads and writes. */
  readonly seed: number
  /** Of all requests; 0.2 is the protocol's mix, 0 only reads, 1 only writes. Exact over the run, not on average. */
  readonly writeShare?: number
  /** Path and query of a read: a page of newest records. The report's own, without a limit, by default. */
  readonly readPath?: string
  /** From the start of a request to the last byte of its answer. */
  readonly timeoutMs?: number
  /** Shared by the warm-up and the run, so that a read may show what the warm-up wrote. */
  readonly ledger: WriteLedger
  /** Its writes are checked and not counted. */
  readonly isWarmUp?: boolean
  /** Closed loop: awaited when every connection is open, before the first request and the run's clock. Open loop: before it begins. */
  readonly whenOpened?: () => Promise<void>
  /** Ends the run: nothing more is sent, what is in flight is given up as `lost`. */
  readonly signal?: AbortSignal
}

type LoadPart =
  | 'requested'
  | 'outcomes'
  | 'failures'
  | 'durationS'
  | 'goodputPerSecond'
  | 'throughputPerSecond'
  | 'transferKiBPerSecond'
  | 'latency'
  | 'readLatency'
  | 'writeLatency'
  | 'generatorCpuS'
  | 'isGeneratorBottleneck'
  | 'reads'

export interface LoadRun extends Pick<Repetition, LoadPart> {
  /** Begins each `X-Request-ID` of this run: how its lines are found in the logs. */
  readonly requestIdPrefix: string
  /** True when the signal ended it; then `requested` is what had been begun. */
  readonly isAborted: boolean
  /** Planned and, in an open loop, never sent because all slots were taken; they are among `lost`. */
  readonly notSent: number
  readonly outcomesOfReads: OutcomeCounts
  readonly outcomesOfWrites: OutcomeCounts
  /** Of served requests, by 100 ms of the run (by the end of the request); empty windows are left out. */
  readonly timeline: readonly TimelinePoint[]
  /**
   * Of the generator's event loop, 0 to 1; above 0.9 it, and not the system, was the limit: it had too much to do, or others held
   * the cores.
   */
  readonly generatorBusyShare: number
  /** Of `performance.now()`; `null` when no write was acknowledged. */
  readonly lastAcknowledgedAtMs: number | null
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number
  readonly endedAtMs: number
}
