/**
 * What a replica does with what the primary sends, and what it can say about its own link.
 *
 * In `log` mode a replica serves reads only after it has once been level with the primary: one that restarted empty would
 * otherwise answer "no such record" for everything, and clients cannot tell that from the truth.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '@relais/shared/http/problem.ts'
import { comparePositions, formatPosition, type Position } from '@relais/shared/store/position.ts'
import { withinMs } from '@relais/shared/resilience/deadline.ts'
import type { Log as Logger } from '@relais/shared/observe/log.ts'
import type { Mechanism, ReplicaStatus } from '@relais/shared/store/store.ts'
import { ArrivalList } from '../store/arrival-list.ts'
import type { RecordList } from '../store/record-list.ts'
import { ReplicatedList, type Discarded, type Receipt } from '../store/replicated-list.ts'
import { keepDiscarded } from './discarded-writes.ts'
import { fromRow, type BatchMessage, type Holdings, type Message, type SnapshotPart } from './messages.ts'
import { SnapshotAssembly, cutSnapshot } from './snapshot.ts'

export interface ReplicaNodeOptions {
  readonly mechanism: Mechanism
  readonly primaryName: string
  readonly dataDir: string
  readonly log: Logger
  /** A hook for lab and tests: how long every message is held back before it is applied. */
  readonly delayMs?: () => number
}

interface Waiter {
  readonly position: Position
  readonly resolve: (isReached: boolean) => void
}

const WAITERS_MAX = 4_096
/** Four missed heartbeats: the primary is gone, or cannot be heard. */
const SILENCE_MS_MAX = 2_000

export class ReplicaNode {
  readonly list = new ReplicatedList()
  readonly #arrivals = new ArrivalList()
  readonly #assembly = new SnapshotAssembly()
  readonly #options: ReplicaNodeOptions
  /** The highest position that the primary of `#headEpoch` is known to have written. */
  #headLsn = 0
  #headEpoch = 0
  #heardAtMs: number | undefined
  #levelAtMs: number | undefined
  #outgoing: SnapshotPart[] = []
  readonly #waiters = new Set<Waiter>()

  constructor(options: ReplicaNodeOptions) {
    this.#options = options
  }

  get #isFanOut(): boolean {
    return this.#options.mechanism === 'fan-out'
  }

  get records(): RecordList {
    return this.#isFanOut ? this.#arrivals.records : this.list.records
  }

  get position(): Position {
    return this.#isFanOut ? this.#arrivals.position : this.list.position
  }

  notReadyBecause(): string | undefined {
    if (this.#isFanOut || this.#levelAtMs !== undefined) return undefined
    return this.#heardAtMs === undefined ? `no word from ${this.#options.primaryName} yet` : 'catching up with the primary'
  }

  async holdBack(): Promise<void> {
    const delayMs = this.#options.delayMs?.() ?? 0
    if (delayMs > 0) await sleep(delayMs)
  }

  /** Applies a message and returns the position after it; throws `replication-conflict` when it does not follow on. */
  take(message: Message): Position {
    if (message.kind === 'entry') this.#takeEntry(message.entry)
    else if (this.#isFanOut) throw new Problem('replication-conflict', { detail: 'this replica is in fan-out mode' })
    else if (message.kind === 'batch') this.#takeBatch(message)
    else this.#takeSnapshotPart(message)
    this.#heardAtMs = Date.now()
    this.#wakeWaiters()
    return this.position
  }

  /** Waits, `timeoutMs` at most, until this node's history includes `position`; true when it does. */
  async reach(position: Position, timeoutMs: number): Promise<boolean> {
    if (comparePositions(this.position, position) >= 0) return true
    if (this.#waiters.size >= WAITERS_MAX) return false
    let waiter: Waiter | undefined
    const reached = new Promise<boolean>((resolve) => {
      waiter = { position, resolve }
      this.#waiters.add(waiter)
    })
    const isReached = await withinMs(reached, timeoutMs, () => false)
    this.#waiters.delete(waiter!)
    return isReached
  }

  holdings(): Holdings {
    const { list } = this
    return { position: list.position, last: list.last, isWhole: list.isWhole, wasLevel: this.#levelAtMs !== undefined }
  }

  /** Part `part` of everything this node holds, for a primary that lost its list. */
  snapshotPart(part: number): SnapshotPart {
    if (part === 0) this.#outgoing = cutSnapshot(this.list.snapshot())
    const found = this.#outgoing[part]
    if (!found) throw new Problem('invalid-parameter', { detail: `part is ${part}, expected 0 to ${this.#outgoing.length - 1}` })
    if (found.isLast) this.#outgoing = []
    return found
  }

  /** The link to the primary as this replica sees it. */
  upstream(): ReplicaStatus {
    const isSilent = !this.#isFanOut && (this.#heardAtMs === undefined || Date.now() - this.#heardAtMs > SILENCE_MS_MAX)
    // While another history is on its way, positions of the old one say nothing of how far it is.
    const isElsewhere = this.list.position.epoch < this.#headEpoch
    const lagRecords = this.#isFanOut || isElsewhere ? null : Math.max(0, this.#headLsn - this.list.log.lsn)
    return {
      name: this.#options.primaryName,
      state: isSilent ? 'unreachable' : (this.#levelAtMs === undefined || isElsewhere) && !this.#isFanOut ? 'catching-up' : 'streaming',
      position: formatPosition(this.position),
      lagRecords,
      lagBytes: null,
      lagMs: lagRecords === 0 && !isSilent ? 0 : this.#levelAtMs === undefined ? null : Date.now() - this.#levelAtMs,
    }
  }

  details(): Record<string, unknown> {
    return this.#isFanOut ? { arrivals: this.#arrivals.arrivals } : { epochs: this.list.log.epochs }
  }

  #wakeWaiters(): void {
    for (const waiter of this.#waiters) {
      if (comparePositions(this.position, waiter.position) >= 0) waiter.resolve(true)
    }
  }

  #takeEntry(entry: Parameters<ArrivalList['append']>[0]): void {
    if (!this.#isFanOut) throw new Problem('replication-conflict', { detail: 'this replica is in log mode' })
    this.#arrivals.append(entry)
  }

  #takeBatch(batch: BatchMessage): void {
    this.#noteHead(batch)
    this.#check(this.list.receive({ ...batch, entries: batch.entries.map(fromRow) }))
    if (this.list.log.lsn >= this.#headLsn) this.#levelAtMs = Date.now()
  }

  /** Also of a batch that does not follow on: how far behind this replica is, it knows from then on. */
  #noteHead({ epoch, headLsn }: BatchMessage): void {
    if (epoch < this.#headEpoch) return
    this.#headLsn = epoch === this.#headEpoch ? Math.max(this.#headLsn, headLsn) : headLsn
    this.#headEpoch = epoch
  }

  #takeSnapshotPart(part: SnapshotPart): void {
    if (part.epoch < this.list.position.epoch) this.#check({ accepted: false, reason: 'stale-epoch', last: this.list.last })
    const snapshot = this.#assembly.add(part)
    if (snapshot === 'unexpected') throw conflict('snapshot-part', this.list.last)
    if (snapshot === 'incomplete') return
    const discarded = this.list.discardedBy(snapshot)
    // First of all on the disk: if that fails nothing is lost, and the primary sends the snapshot again.
    if (discarded.operations > 0) this.#keepDiscarded(discarded, snapshot.epoch)
    this.list.install(snapshot)
    this.#options.log.info({ records: snapshot.records.length, position: formatPosition(this.list.position) }, 'snapshot installed')
  }

  #check(receipt: Receipt): void {
    if (!receipt.accepted) throw conflict(receipt.reason, receipt.last)
  }

  #keepDiscarded(discarded: Discarded, epoch: number): void {
    const { log, dataDir } = this.#options
    const { file, removed } = keepDiscarded(discarded, { dataDir, epoch, nowMs: Date.now() })
    const { operations, entries } = discarded
    log.error({ operations, kept: entries.length, file }, 'discarded writes that the new history of the primary lacks')
    if (removed.length > 0) log.error({ removed }, 'files of earlier discarded writes were removed')
  }
}

function conflict(reason: string, last: Position): Problem {
  const members = { reason, last, expected: last.lsn + 1 }
  return new Problem('replication-conflict', { detail: `${reason}: this replica's last entry is ${formatPosition(last)}`, members })
}
