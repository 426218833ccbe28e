/**
 * One run in the making, whichever generator drives it: gives out requests, takes in how each of them ended, makes the result.
 *
 *   plan ─▶ begin() ─▶ generator sends ─▶ answered() ─▶ judge ─▶ tally ─▶ result()
 *                                      └▶ failed()   ───────────▶
 */
import type { LoadOptions, LoadRun } from './load-run.ts'
import { judgeAnswer, type CompleteAnswer } from './judge-answer.ts'
import { RequestPlan, type PlannedRequest } from './request-plan.ts'
import { Tally } from './tally.ts'
import type { LedgerMark, WriteLedger } from './write-ledger.ts'

export interface BegunRequest {
  readonly request: PlannedRequest
  /** Of `performance.now()`: when it was sent, in an open loop when it was to be sent. */
  readonly startedAtMs: number
  readonly mark: LedgerMark
}

const WRITE_SHARE = 0.2
const READ_PATH = '/api/data'
/** Above it the generator's own queue is part of every latency. */
const BUSY_SHARE_MAX = 0.9

export class RunAccount {
  readonly #ledger: WriteLedger
  readonly #isWarmUp: boolean
  readonly #signal: AbortSignal | undefined
  readonly #plan: RequestPlan
  readonly #tally: Tally
  readonly #startedAtMs = performance.now()
  readonly #startedAtEpochMs = Date.now()
  readonly #cpu = process.cpuUsage()
  readonly #loop = performance.eventLoopUtilization()
  #notSent = 0

  constructor({ requests, seed, ledger, signal, isWarmUp = false, writeShare = WRITE_SHARE, readPath = READ_PATH }: LoadOptions) {
    this.#ledger = ledger
    this.#isWarmUp = isWarmUp
    this.#signal = signal
    this.#plan = new RequestPlan({ requests, seed, writeShare, readPath })
    this.#tally = new Tally(requests, this.#startedAtMs)
  }

  get startedAtMs(): number {
    return this.#startedAtMs
  }

  /** Nothing is left to be begun. */
  get isOver(): boolean {
    return this.#plan.isOver || this.#signal?.aborted === true
  }

  /** `undefined` when nothing is left. */
  begin(startedAtMs = performance.now()): BegunRequest | undefined {
    const request = this.isOver ? undefined : this.#plan.next()
    if (!request) return undefined
    if (request.write) this.#ledger.begin(request.write.message, this.#isWarmUp)
    return { request, startedAtMs, mark: this.#ledger.mark() }
  }

  answered(begun: BegunRequest, answer: CompleteAnswer, bytes: number): void {
    const latencyMs = performance.now() - begun.startedAtMs
    const { index, write } = begun.request
    this.#tally.end({
      index,
      isWrite: write !== undefined,
      latencyMs,
      bytes,
      ...judgeAnswer(begun.request, answer, this.#ledger, begun.mark),
    })
  }

  failed(begun: BegunRequest, outcome: 'timedOut' | 'lost', failure: string, bytes = 0): void {
    const { index, write } = begun.request
    const latencyMs = performance.now() - begun.startedAtMs
    this.#tally.end({ index, isWrite: write !== undefined, outcome, failure, latencyMs, bytes })
  }

  notSent(begun: BegunRequest, failure: string): void {
    this.#notSent++
    this.failed(begun, 'lost', failure)
  }

  /** After the last request has ended. */
  result(): LoadRun {
    const requested = this.#plan.begun
    const outcomes = this.#tally.outcomes(requested)
    const durationS = (performance.now() - this.#startedAtMs) / 1000
    const { user, system } = process.cpuUsage(this.#cpu)
    const generatorBusyShare = performance.eventLoopUtilization(this.#loop).utilization
    return {
      requested,
      outcomes,
      outcomesOfReads: this.#tally.outcomes(requested, 'read'),
      outcomesOfWrites: this.#tally.outcomes(requested, 'write'),
      failures: this.#tally.failures,
      notSent: this.#notSent,
      isAborted: this.#signal?.aborted === true,
      durationS,
      goodputPerSecond: outcomes.served / durationS,
      throughputPerSecond: (outcomes.served + outcomes.wrong + outcomes.refused) / durationS,
      transferKiBPerSecond: this.#tally.bytes / 1024 / durationS,
      latency: this.#tally.latency(),
      readLatency: this.#tally.latency('read'),
      writeLatency: this.#tally.latency('write'),
      timeline: this.#tally.timeline(),
      reads: this.#tally.reads,
      generatorCpuS: (user + system) / 1e6,
      generatorBusyShare,
      isGeneratorBottleneck: generatorBusyShare > BUSY_SHARE_MAX,
      lastAcknowledgedAtMs: this.#ledger.lastAcknowledgedAtMs,
      requestIdPrefix: this.#plan.requestIdPrefix,
      startedAtMs: this.#startedAtEpochMs,
      endedAtMs: Date.now(),
    }
  }
}
