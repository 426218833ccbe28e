/**
 * One node's whole state: the list, the log that made it, the keys already used. No network, no clock, no promises.
 *
 *   primary:  commit(operation)  ─▶ entry          (position + 1 in the current epoch)
 *   replica:  receive(batch)     ─▶ accepted | conflict
 *             discardedBy(snapshot), install(snapshot)
 *
 * All of replication's correctness is decided here, which is why it is a plain object: the property tests drive it with
 * every order, repetition and loss of messages that they can think of.
 */
import type { Position } from '@relais/shared/store/position.ts'
import type { StoredRecord } from '@relais/shared/store/store.ts'
import { IdempotencyKeys, type KeptAnswer } from './idempotency.ts'
import { Log, type EpochStart } from './log.ts'
import { isIntact, sealEntry, type LogEntry, type Operation } from './operation.ts'
import { RecordList } from './record-list.ts'

/** What the primary sends: entries, and the position right before them; no entries is a heartbeat. */
export interface Batch {
  readonly epoch: number
  /** The position right before the first entry, as the primary's log has it. */
  readonly previous: Position
  readonly entries: readonly LogEntry[]
  /** The primary's last position, from which a replica knows its lag. */
  readonly headLsn: number
}

export interface Snapshot {
  readonly epoch: number
  readonly lsn: number
  readonly epochs: readonly EpochStart[]
  readonly records: readonly StoredRecord[]
  readonly keys: readonly KeptAnswer[]
  readonly nextId: number
}

export type Receipt =
  | { readonly accepted: true }
  /** `last` is the replica's last entry: from there the primary finds where to go on. */
  | { readonly accepted: false; readonly reason: 'gap' | 'diverged' | 'stale-epoch' | 'damaged'; readonly last: Position }

export interface Discarded {
  readonly operations: number
  /** Those of the operations that the log still keeps. */
  readonly entries: readonly LogEntry[]
}

export class ReplicatedList {
  #records = new RecordList()
  #log: Log
  #keys = new IdempotencyKeys()
  #epoch = 0
  #wholeEpoch = 0
  #nextId = 1
  readonly #entriesKept: number | undefined

  constructor(entriesKept?: number) {
    this.#entriesKept = entriesKept
    this.#log = new Log([], 0, { entries: entriesKept })
  }

  get records(): RecordList {
    return this.#records
  }

  get log(): Log {
    return this.#log
  }

  get keys(): IdempotencyKeys {
    return this.#keys
  }

  get nextId(): number {
    return this.#nextId
  }

  /** The epoch this node is in, and how far its list goes. */
  get position(): Position {
    return { epoch: this.#epoch, lsn: this.#log.lsn }
  }

  /** The last entry's own epoch and position. */
  get last(): Position {
    return { epoch: this.#log.epochAt(this.#log.lsn) ?? 0, lsn: this.#log.lsn }
  }

  /**
   * Whether this list has all that its epoch began with, and not only a first part of it: it was level in this epoch, or holds an
   * entry of it. Two epochs may begin from different lists, so who is only on the way to one says nothing of the other.
   */
  get isWhole(): boolean {
    return this.#wholeEpoch === this.#epoch
  }

  /** Begins a new epoch; only a primary does, and only above all epochs it knows of. */
  beginEpoch(epoch: number): void {
    if (epoch <= this.#epoch) throw new Error(`replicated list: epoch ${epoch} is not above ${this.#epoch}`)
    this.#epoch = epoch
    this.#wholeEpoch = epoch
  }

  /** Makes a write on the primary; `id` is `undefined` for an insert. The record must exist otherwise. */
  commit(operation: Operation, id = this.#nextId): LogEntry {
    const entry = sealEntry(this.#epoch, this.#log.lsn + 1, id, operation)
    this.#apply(entry)
    return entry
  }

  /** Takes a batch on a replica. Repeats are accepted without effect; anything that does not follow on changes nothing. */
  receive(batch: Batch): Receipt {
    if (batch.epoch < this.#epoch) return this.#conflict('stale-epoch')
    if (batch.previous.lsn > this.#log.lsn) return this.#conflict('gap')
    if (this.#log.epochAt(batch.previous.lsn) !== batch.previous.epoch) return this.#conflict('diverged')
    const endLsn = batch.previous.lsn + batch.entries.length
    if (batch.epoch > this.#epoch && this.#log.lsn > endLsn) return this.#conflict('diverged')

    let expectedLsn = batch.previous.lsn
    for (const entry of batch.entries) {
      if (entry.lsn !== ++expectedLsn || !isIntact(entry)) return this.#conflict('damaged')
      if (entry.lsn <= this.#log.lsn && this.#log.epochAt(entry.lsn) !== entry.epoch) return this.#conflict('diverged')
    }
    for (const entry of batch.entries) {
      if (entry.lsn > this.#log.lsn) this.#apply(entry)
    }
    this.#epoch = batch.epoch
    if (this.#log.lsn >= batch.headLsn || this.last.epoch === batch.epoch) this.#wholeEpoch = batch.epoch
    return { accepted: true }
  }

  snapshot(): Snapshot {
    const { epoch, lsn } = this.position
    return { epoch, lsn, epochs: [...this.#log.epochs], records: this.#records.toArray(), keys: this.#keys.toArray(), nextId: this.#nextId }
  }

  /** What this node holds and the snapshot's history does not: gone once that is installed. */
  discardedBy(snapshot: Snapshot): Discarded {
    if (this.#isOld(snapshot)) return { operations: 0, entries: [] }
    const common = this.#log.lastCommonLsn(snapshot.epochs, snapshot.lsn)
    return { operations: this.#log.lsn - common, entries: this.#log.entriesKeptAfter(common) }
  }

  /** Replaces everything by a snapshot. One that brings nothing new is without effect. */
  install(snapshot: Snapshot): void {
    if (this.#isOld(snapshot)) return
    this.#records = RecordList.of(snapshot.records)
    this.#log = new Log(snapshot.epochs, snapshot.lsn, { entries: this.#entriesKept })
    this.#keys = new IdempotencyKeys()
    for (const answer of snapshot.keys) this.#keys.add(answer)
    this.#epoch = snapshot.epoch
    this.#wholeEpoch = snapshot.epoch
    this.#nextId = snapshot.nextId
  }

  /** Within an epoch a history only grows, so it arrives late. */
  #isOld(snapshot: Snapshot): boolean {
    return snapshot.epoch === this.#epoch && snapshot.lsn <= this.#log.lsn
  }

  #conflict(reason: 'gap' | 'diverged' | 'stale-epoch' | 'damaged'): Receipt {
    return { accepted: false, reason, last: this.last }
  }

  #apply(entry: LogEntry): void {
    this.#applyToRecords(entry)
    this.#log.append(entry)
  }

  #applyToRecords(entry: LogEntry): void {
    const { id, lsn, operation } = entry
    const before = this.#records.get(id)
    if (operation.type === 'insert') this.#records.append(inserted(id, operation))
    else if (operation.type === 'remove') this.#records.remove(id)
    else if (before) this.#records.replace({ ...before, message: operation.message, updatedAtMs: operation.atMs })
    if (operation.type === 'insert') this.#nextId = Math.max(this.#nextId, id + 1)
    if (operation.key !== undefined) this.#keys.add(keptAnswer(operation.key, id, lsn, operation, before))
  }
}

function inserted(id: number, { message, origin, atMs }: Operation & { type: 'insert' }): StoredRecord {
  return { id, message, origin, createdAtMs: atMs, updatedAtMs: atMs }
}

function keptAnswer(key: string, id: number, lsn: number, operation: Operation, before: StoredRecord | undefined): KeptAnswer {
  return {
    key,
    type: operation.type,
    id,
    message: operation.type === 'remove' ? null : operation.message,
    lsn,
    createdAtMs: operation.type === 'insert' ? operation.atMs : (before?.createdAtMs ?? operation.atMs),
    atMs: operation.atMs,
    origin: operation.type === 'insert' ? operation.origin : (before?.origin ?? ''),
  }
}
