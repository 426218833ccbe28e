/**
 * Fan-out, the report's mechanism: every write is POSTed to every replica on its own, retried a few times, then dropped.
 *
 *   list.commit ─▶ POST db2 … attempt 1 ✕ … 2 ✕ … 5 ✕  given up: an error in the log, a counter, a hole for good
 *              └──▶ POST db3 … attempt 1 ✓
 *
 * Each entry travels alone, so a retried one arrives after its successors, and one whose answer was lost arrives twice.
 * It is kept exactly so, because seeing it fail is the best reason for `log-shipping.ts`. Ours is bounded where the
 * report's threads were not: above `SENDS_MAX` unfinished sends a replica's next entry is given up at once.
 */
import { formatPosition } from '@relais/shared/store/position.ts'
import type { Log as Logger } from '@relais/shared/observe/log.ts'
import type { Peer } from '@relais/shared/http/settings.ts'
import type { Durability, ReplicaStatus } from '@relais/shared/store/store.ts'
import { retry, type RetryOptions } from '@relais/shared/resilience/retry.ts'
import type { LogEntry } from '../store/operation.ts'
import type { ReplicatedList } from '../store/replicated-list.ts'
import { Problem } from '@relais/shared/http/problem.ts'
import { withinMs } from '@relais/shared/resilience/deadline.ts'
import { accepted, REPLICATE_PATH, type SingleMessage } from './messages.ts'
import { callNode, NodeCallError } from './node-call.ts'
import type { Replication } from './replication.ts'
import type { Signer } from './signature.ts'

export const FAN_OUT_ATTEMPTS_MAX = 5
export const FAN_OUT_BACKOFF = { baseMs: 100, capMs: 2_000 }
export const FAN_OUT_CALL_DEADLINE_MS = 1_000
const SENDS_MAX = 10_000
/** As many as there are idempotency keys: an older write cannot be asked for again. */
const OUTCOMES_MAX = 100_000

export interface FanOutOptions {
  readonly list: ReplicatedList
  readonly replicas: readonly Peer[]
  readonly durability: Durability
  readonly signer: Signer
  readonly log: Logger
  readonly onGivenUp?: (replica: string) => void
  /** For tests: the randomness and the sleep of the backoff. */
  readonly retryOptions?: Pick<RetryOptions, 'random' | 'sleep'>
}

interface Target {
  readonly replica: Peer
  unfinished: number
  givenUp: number
  confirmed: number
  failedAttempts: number
  position: string | null
  isReachable: boolean
}

export class FanOut implements Replication {
  readonly mechanism = 'fan-out'
  readonly #options: FanOutOptions
  readonly #targets: Target[]
  readonly #stopped = new AbortController()
  /** Whether a write became as durable as asked for. Those that did not are kept: nobody sends them again. */
  readonly #outcomes = new Map<number, Promise<boolean>>()

  constructor(options: FanOutOptions) {
    this.#options = options
    this.#targets = options.replicas.map((replica) => {
      return { replica, unfinished: 0, givenUp: 0, confirmed: 0, failedAttempts: 0, position: null, isReachable: true }
    })
  }

  /** The report's primary does not know whether it will succeed. */
  ensurePossible(): void {}

  committed(entry: LogEntry): void {
    const sends = this.#targets.map((target) => this.#send(target, entry))
    const { durability } = this.#options
    if (durability === 'async' || sends.length === 0) return
    const outcome = durability === 'all' ? Promise.all(sends).then((done) => done.every(Boolean)) : anyTrue(sends)
    this.#outcomes.set(entry.lsn, outcome)
    void outcome.then((isDurable) => isDurable && this.#outcomes.delete(entry.lsn))
    if (this.#outcomes.size > OUTCOMES_MAX) this.#outcomes.delete(this.#outcomes.keys().next().value!)
  }

  async durable(lsn: number, deadlineMs: number): Promise<void> {
    const outcome = this.#outcomes.get(lsn)
    if (!outcome || (await withinMs(outcome, deadlineMs - Date.now(), () => false))) return
    throw new Problem('replication-timeout', { detail: `position ${lsn} was not confirmed as "${this.#options.durability}" asks, in time` })
  }

  status(): ReplicaStatus[] {
    return this.#targets.map(({ replica, isReachable, unfinished, confirmed, position }) => ({
      name: replica.name,
      state: !isReachable ? 'unreachable' : unfinished > 0 ? 'catching-up' : 'streaming',
      position,
      // What was never confirmed: unlike a lag, most of it will not shrink.
      lagRecords: Math.max(0, this.#options.list.log.lsn - confirmed),
      lagBytes: null,
      lagMs: null,
    }))
  }

  get failedAttempts(): number {
    return this.#sum((target) => target.failedAttempts)
  }

  details(): Record<string, unknown> {
    return { givenUp: this.#sum(({ givenUp }) => givenUp), failedAttempts: this.failedAttempts }
  }

  close(): void {
    this.#stopped.abort(new Error('stopped'))
  }

  #sum(read: (target: Target) => number): number {
    return this.#targets.reduce((total, target) => total + read(target), 0)
  }

  /** Resolves to whether the replica confirmed; never rejects. */
  async #send(target: Target, entry: LogEntry): Promise<boolean> {
    if (target.unfinished >= SENDS_MAX) return this.#giveUp(target, entry, `already ${SENDS_MAX} sends unfinished`)
    target.unfinished++
    try {
      await retry(() => this.#attempt(target, { kind: 'entry', entry }), {
        backoff: FAN_OUT_BACKOFF,
        attemptsMax: FAN_OUT_ATTEMPTS_MAX,
        signal: this.#stopped.signal,
        onFailedAttempt: ({ error, attempt, delayMs }) => {
          target.failedAttempts++
          const reason = error.message
          this.#options.log.warn({ replica: target.replica.name, lsn: entry.lsn, attempt, delayMs, reason }, 'replication attempt failed')
        },
        ...this.#options.retryOptions,
      })
      target.confirmed++
      target.isReachable = true
      return true
    } catch (error) {
      return this.#giveUp(target, entry, error instanceof Error ? error.message : String(error))
    } finally {
      target.unfinished--
    }
  }

  async #attempt(target: Target, message: SingleMessage): Promise<void> {
    const body = JSON.stringify(message)
    const call = { method: 'POST' as const, path: REPLICATE_PATH, body, deadlineMs: FAN_OUT_CALL_DEADLINE_MS }
    const answer = await callNode(target.replica, this.#options.signer, call)
    if (answer.status !== 200) throw new NodeCallError(`${target.replica.name} answered ${answer.status}`)
    target.position = formatPosition(accepted.parse(answer.body).position)
  }

  #giveUp(target: Target, entry: LogEntry, reason: string): false {
    if (this.#stopped.signal.aborted) return false
    target.givenUp++
    target.isReachable = false
    this.#options.onGivenUp?.(target.replica.name)
    this.#options.log.error(
      { replica: target.replica.name, lsn: entry.lsn, id: entry.id, reason },
      'replication given up: the replica lacks this write',
    )
    return false
  }
}

async function anyTrue(sends: Promise<boolean>[]): Promise<boolean> {
  const firstSuccess = sends.map(async (send) => {
    if (await send) return true
    throw new Error('not confirmed')
  })
  return Promise.any(firstSuccess).catch(() => false)
}
