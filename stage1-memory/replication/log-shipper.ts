/**
 * The link from the primary to one replica: what it has confirmed, what it gets next.
 *
 *   streaming ──(failed attempt)──▶ unreachable ──(any answer)──▶ catching-up ──(confirmed the head)──▶ streaming
 *       └──────(409, or behind what the log keeps)────────────────────┘
 *
 * Where to go on is always the replica's word, not the primary's memory: a 409 carries the replica's last entry. If the
 * primary's log has that entry, sending goes on behind it; if it does not (another epoch wrote it) or no longer keeps
 * what follows, the replica gets a snapshot.
 */
import { formatPosition, type Position } from '@relais/shared/store/position.ts'
import type { Log as Logger } from '@relais/shared/observe/log.ts'
import type { Peer } from '@relais/shared/http/settings.ts'
import type { ReplicaStatus } from '@relais/shared/store/store.ts'
import { retry, type RetryOptions } from '@relais/shared/resilience/retry.ts'
import type { ReplicatedList } from '../store/replicated-list.ts'
import type { BatchCache, WrittenBatch } from './batch-cache.ts'
import { callNode, NodeCallError, type NodeAnswer } from './node-call.ts'
import { accepted, conflict, REPLICATE_PATH, type SnapshotPart } from './messages.ts'
import { ReusedBytes } from './reused-bytes.ts'
import type { Signer } from './signature.ts'
import { cutSnapshot } from './snapshot.ts'

/** Both 0: nothing waits. */
export interface Linger {
  readonly minMs: number
  readonly maxMs: number
}

export interface LogShipperOptions {
  readonly list: ReplicatedList
  /** Shared by the shippers of one primary. */
  readonly batches: BatchCache
  readonly replica: Peer
  readonly signer: Signer
  readonly log: Logger
  /** How long a batch may wait for more entries; it waits longer within this the longer an exchange takes. */
  readonly linger: Linger
  /** The replica holds everything up to `lsn`. */
  readonly acknowledge: (lsn: number) => void
  /** For tests: the randomness and the sleep of the backoff. */
  readonly retryOptions?: Pick<RetryOptions, 'random' | 'sleep'>
}

const CALL_DEADLINE_MS = 2_000
const HEARTBEAT_MS = 500
/** A batch costs the same however few entries it has: replication may take one part in this of the time, no more. */
const EXCHANGE_SHARE = 20
const BACKOFF = { baseMs: 50, capMs: 1_000 }

export class LogShipper {
  readonly #options: LogShipperOptions
  readonly #stopped = new AbortController()
  /** For the one batch in flight: one that was given up is cut off, and one that was answered before it was read was refused. */
  readonly #batchBytes = new ReusedBytes()
  #state: ReplicaStatus['state'] = 'unreachable'
  #acked: Position | undefined
  /** The last entry that the replica is known to hold; the next batch follows it. */
  #nextAfterLsn = 0
  #snapshotParts: SnapshotPart[] = []
  #behindSinceMs: number | undefined
  #wake: (() => void) | undefined
  #endLinger: (() => void) | undefined
  /** Set by `finish`: told of each change of what the replica has, or of its state. */
  #changed: (() => void) | undefined
  #lastSentAtMs = 0
  #exchangeMs = 0
  batchesSent = 0
  snapshotsSent = 0
  failedAttempts = 0

  constructor(options: LogShipperOptions) {
    this.#options = options
  }

  get isReachable(): boolean {
    return this.#state !== 'unreachable'
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#stopped.abort(new Error('stopped'))
    this.#wake?.()
  }

  /** From now on nothing lingers. Resolves when the replica has confirmed the whole list, or cannot be reached: nobody waits for its return. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = () => {
        const isLevel = this.#state === 'streaming' && this.#acked !== undefined && this.#acked.lsn >= this.#options.list.log.lsn
        if (isLevel || !this.isReachable) resolve()
      }
      this.#changed()
      this.#endLinger?.()
    })
  }

  /** There is something new in the list. */
  wake(): void {
    this.#behindSinceMs ??= Date.now()
    this.#wake?.()
  }

  status(): ReplicaStatus {
    const { list, replica } = this.#options
    const lagRecords = this.#acked === undefined ? null : Math.max(0, list.log.lsn - this.#acked.lsn)
    return {
      name: replica.name,
      state: this.#state,
      position: this.#acked === undefined ? null : formatPosition(this.#acked),
      lagRecords,
      lagBytes: null,
      lagMs: lagRecords === 0 ? 0 : this.#behindSinceMs === undefined ? null : Date.now() - this.#behindSinceMs,
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      try {
        await retry(() => this.#exchange(), {
          backoff: BACKOFF,
          attemptsMax: Infinity,
          signal,
          onFailedAttempt: (failure) => this.#failed(failure.error, failure.attempt),
          ...this.#options.retryOptions,
        })
        await this.#pause()
      } catch (error) {
        if (!signal.aborted) this.#options.log.error({ err: error, replica: this.#options.replica.name }, 'log shipping met a defect')
        if (!signal.aborted) await this.#sleep(BACKOFF.capMs)
      }
    }
  }

  /** Sends what comes next, and takes the answer in. Rejects when there was none. */
  async #exchange(): Promise<void> {
    const next = this.#next()
    this.#lastSentAtMs = Date.now()
    const answer = await this.#send('body' in next ? this.#batchBytes.of(next.body) : JSON.stringify(next))
    this.#exchangeMs = Date.now() - this.#lastSentAtMs
    if (answer.status !== 200 && answer.status !== 409) throw new NodeCallError(`${this.#options.replica.name} answered ${answer.status}`)
    if (this.#state === 'unreachable') {
      this.#state = 'catching-up'
      this.#options.log.info({ replica: this.#options.replica.name }, 'replica reached')
    }
    if (answer.status === 409) this.#realign(conflict.parse(answer.body))
    else this.#accepted(next, accepted.parse(answer.body).position)
  }

  async #send(body: string | Uint8Array): Promise<NodeAnswer> {
    const { replica, signer } = this.#options
    this.batchesSent++
    return callNode(replica, signer, { method: 'POST', path: REPLICATE_PATH, body, deadlineMs: CALL_DEADLINE_MS })
  }

  #next(): WrittenBatch | SnapshotPart {
    const { batches } = this.#options
    // Before anything is sent to a replica whose state is unknown, it is asked where it is.
    if (this.#state === 'unreachable') return batches.probe()
    const batch = this.#snapshotParts.length > 0 ? undefined : batches.after(this.#nextAfterLsn)
    return batch ?? this.#snapshotParts[0] ?? this.#beginSnapshot()
  }

  #beginSnapshot(): SnapshotPart {
    this.#snapshotParts = cutSnapshot(this.#options.list.snapshot())
    // Also of a replica that was streaming, and fell behind what the log keeps.
    this.#state = 'catching-up'
    this.snapshotsSent++
    this.#options.log.info({ replica: this.#options.replica.name, parts: this.#snapshotParts.length }, 'sending a snapshot')
    return this.#snapshotParts[0]!
  }

  #accepted(sent: WrittenBatch | SnapshotPart, position: Position): void {
    const isBatch = 'body' in sent
    if (!isBatch) {
      this.#snapshotParts.shift()
      if (!sent.isLast) return
    }
    this.#nextAfterLsn = isBatch ? sent.endLsn : sent.lsn
    // A replica may hold more than this batch, from one whose answer was lost; what it was sent is what it has confirmed.
    this.#acked = { epoch: position.epoch, lsn: this.#nextAfterLsn }
    // After a snapshot one more batch, though empty, tells the replica that it is level.
    // Level means: with what there was when it was sent. Under constant load there is always more by the time of the answer.
    if (isBatch && this.#nextAfterLsn >= sent.headLsn) {
      this.#behindSinceMs = this.#nextAfterLsn >= this.#options.list.log.lsn ? undefined : this.#lastSentAtMs
      this.#state = 'streaming'
    }
    this.#options.acknowledge(this.#nextAfterLsn)
    this.#changed?.()
  }

  #realign({ reason, last }: { reason: string; last: Position }): void {
    const { list, replica, log } = this.#options
    this.#snapshotParts = []
    this.#state = 'catching-up'
    const isOurs = reason !== 'stale-epoch' && list.log.epochAt(last.lsn) === last.epoch
    this.#holdsOnly(last.epoch, isOurs ? last.lsn : 0)
    if (reason === 'stale-epoch') throw new NodeCallError(`${replica.name} follows a newer epoch than ${list.position.epoch}`)
    log.info({ replica: replica.name, reason, last: formatPosition(last), isOurs }, 'replica is elsewhere')
    if (isOurs) this.#nextAfterLsn = last.lsn
    else this.#beginSnapshot()
  }

  /** What it had confirmed and has lost is confirmed no more, from now on and not only when it has caught up. */
  #holdsOnly(epoch: number, lsn: number): void {
    if (this.#acked === undefined) return
    this.#acked = { epoch, lsn }
    this.#behindSinceMs ??= Date.now()
    this.#options.acknowledge(lsn)
  }

  #failed(error: Error, attempt: number): void {
    this.failedAttempts++
    if (this.#state !== 'unreachable' || attempt % 20 === 0) {
      this.#options.log.warn({ replica: this.#options.replica.name, attempt, reason: error.message }, 'replica unreachable; trying on')
    }
    this.#state = 'unreachable'
    // A snapshot half sent means nothing to a process that was restarted.
    this.#snapshotParts = []
    this.#changed?.()
  }

  /** Waits until there is something to send, a batch may have gathered, or a heartbeat is due. */
  async #pause(): Promise<void> {
    if (this.#hasMore()) {
      if (this.#state === 'streaming') await this.#linger()
      return
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, HEARTBEAT_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stopped.signal.aborted) this.#wake()
    })
    this.#wake = undefined
    await this.#linger()
  }

  /** Lets a batch gather: an instance that is short of CPU sends fewer and larger ones, one that is idle is prompt. */
  async #linger(): Promise<void> {
    const { minMs, maxMs } = this.#options.linger
    const lingerMs = Math.min(maxMs, Math.max(minMs, EXCHANGE_SHARE * this.#exchangeMs))
    const remainingMs = lingerMs - (Date.now() - this.#lastSentAtMs)
    if (remainingMs <= 0 || this.#changed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, remainingMs)
      this.#endLinger = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#endLinger = undefined
  }

  #hasMore(): boolean {
    // While catching up, one more batch, though empty, tells the replica that it is level.
    return this.#state === 'catching-up' || this.#nextAfterLsn < this.#options.list.log.lsn
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, delayMs))
  }
}
