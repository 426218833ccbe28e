/**
 * The primary's `Store`: every write is made here, once, and handed to replication.
 *
 *   known key? ─▶ the answer it had        possible? ─▶ list.commit ─▶ replication ─▶ durable as asked ─▶ answer
 *
 * From the look at the key to the commit nothing is awaited, so two requests under one key cannot both be first.
 */
import { Problem } from '@relais/shared/http/problem.ts'
import { formatPosition, type Position } from '@relais/shared/store/position.ts'
import type { At, Durability, Page, PageQuery, ReplicationStatus, Store, StoredRecord, WriteOptions } from '@relais/shared/store/store.ts'
import type { Replication } from '../replication/replication.ts'
import type { KeptAnswer } from './idempotency.ts'
import type { Operation } from './operation.ts'
import type { ReplicatedList } from './replicated-list.ts'

export interface PrimaryStoreOptions {
  readonly name: string
  readonly list: ReplicatedList
  readonly durability: Durability
  /** Writes are refused above these; a list in memory must end somewhere. */
  readonly recordsMax?: number
  /** UTF-16 units of all messages. */
  readonly charactersMax?: number
  readonly nowMs?: () => number
}

const RECORDS_MAX = 2_000_000
/** 256 MiB at most. */
const CHARACTERS_MAX = 128 * 1024 * 1024

export class PrimaryStore implements Store {
  readonly role = 'primary'
  readonly formatPosition = formatPosition
  readonly #options: PrimaryStoreOptions
  readonly #list: ReplicatedList
  readonly #recordsMax: number
  readonly #charactersMax: number
  readonly #nowMs: () => number
  #replication: Replication | undefined
  #waitingFor = 'starting'

  constructor(options: PrimaryStoreOptions) {
    this.#options = options
    this.#list = options.list
    this.#recordsMax = options.recordsMax ?? RECORDS_MAX
    this.#charactersMax = options.charactersMax ?? CHARACTERS_MAX
    this.#nowMs = options.nowMs ?? Date.now
  }

  /** From now on writes are taken; before, the list may still be being recovered. */
  open(replication: Replication): void {
    this.#replication = replication
  }

  /** What `notReadyBecause` says until `open`. */
  waitFor(reason: string): void {
    this.#waitingFor = reason
  }

  notReadyBecause(): string | undefined {
    return this.#replication ? undefined : this.#waitingFor
  }

  /** Calls to replicas that failed, since the start of this process. */
  get failedAttempts(): number {
    return this.#replication?.failedAttempts ?? 0
  }

  async insert(message: string, options: WriteOptions): Promise<At<StoredRecord>> {
    const kept = this.#keptAnswer(options, 'insert', (answer) => answer.message === message)
    if (kept) return this.#again(kept, options)
    if (this.#list.records.size >= this.#recordsMax)
      throw new Problem('store-full', { detail: `the list holds ${this.#recordsMax} records` })
    this.#ensureRoom(message.length)
    const operation = { type: 'insert', message, origin: this.#options.name.toUpperCase(), ...this.#stamp(options) } as const
    const id = this.#list.nextId
    const position = await this.#commit(operation, id, options)
    return { value: { id, message, origin: operation.origin, createdAtMs: operation.atMs, updatedAtMs: operation.atMs }, position }
  }

  async replace(id: number, message: string, options: WriteOptions): Promise<At<StoredRecord>> {
    const kept = this.#keptAnswer(options, 'replace', (answer) => answer.id === id && answer.message === message)
    if (kept) return this.#again(kept, options)
    const before = this.#existing(id)
    this.#ensureRoom(message.length - before.message.length)
    const operation = { type: 'replace', message, ...this.#stamp(options) } as const
    const position = await this.#commit(operation, id, options)
    return { value: { ...before, message, updatedAtMs: operation.atMs }, position }
  }

  async remove(id: number, options: WriteOptions): Promise<At<undefined>> {
    const kept = this.#keptAnswer(options, 'remove', (answer) => answer.id === id)
    if (kept) return { value: undefined, position: (await this.#again(kept, options)).position }
    this.#existing(id)
    return { value: undefined, position: await this.#commit({ type: 'remove', ...this.#stamp(options) }, id, options) }
  }

  async get(id: number): Promise<At<StoredRecord | undefined>> {
    this.#opened()
    return { value: this.#list.records.get(id), position: this.#list.position }
  }

  async page(query: PageQuery): Promise<At<Page>> {
    this.#opened()
    return { value: this.#list.records.page(query), position: this.#list.position }
  }

  async position(): Promise<Position> {
    return this.#list.position
  }

  async reach(): Promise<boolean> {
    return true
  }

  async replication(): Promise<ReplicationStatus> {
    const { name, durability } = this.#options
    return {
      name,
      role: 'primary',
      mechanism: this.#replication?.mechanism ?? 'log',
      durability,
      position: formatPosition(this.#list.position),
      upstream: null,
      replicas: this.#replication?.status() ?? [],
      details: { records: this.#list.records.size, epochs: this.#list.log.epochs, ...this.#replication?.details() },
    }
  }

  async close(): Promise<void> {
    await this.#replication?.close()
  }

  #opened(): Replication {
    if (this.#replication) return this.#replication
    throw new Problem('not-ready', { detail: this.#waitingFor })
  }

  #existing(id: number): StoredRecord {
    this.#opened()
    const record = this.#list.records.get(id)
    if (record) return record
    throw new Problem('not-found', { detail: `there is no record ${id}` })
  }

  #ensureRoom(characters: number): void {
    if (characters <= 0 || this.#list.records.characters + characters <= this.#charactersMax) return
    throw new Problem('store-full', { detail: `the messages of all records may have ${this.#charactersMax} characters` })
  }

  #stamp({ idempotencyKey }: WriteOptions): { atMs: number; key?: string } {
    return { atMs: this.#nowMs(), ...(idempotencyKey !== undefined && { key: idempotencyKey }) }
  }

  async #commit(operation: Operation, id: number, { deadlineMs }: WriteOptions): Promise<Position> {
    const replication = this.#opened()
    replication.ensurePossible()
    const entry = this.#list.commit(operation, id)
    replication.committed(entry)
    await replication.durable(entry.lsn, deadlineMs)
    return { epoch: entry.epoch, lsn: entry.lsn }
  }

  #keptAnswer(
    { idempotencyKey: key }: WriteOptions,
    type: Operation['type'],
    isSame: (answer: KeptAnswer) => boolean,
  ): KeptAnswer | undefined {
    this.#opened()
    const kept = key === undefined ? undefined : this.#list.keys.get(key, this.#nowMs())
    if (!kept || (kept.type === type && isSame(kept))) return kept
    throw new Problem('idempotency-key-reused', { detail: `the key was used for another write (${kept.type} of record ${kept.id})` })
  }

  /** The answer of a write that was already made; it is given only once that write is as durable as asked for. */
  async #again(kept: KeptAnswer, { deadlineMs }: WriteOptions): Promise<At<StoredRecord>> {
    await this.#opened().durable(kept.lsn, deadlineMs)
    const { id, message, origin, createdAtMs, atMs } = kept
    const epoch = this.#list.position.epoch
    return { value: { id, message: message ?? '', origin, createdAtMs, updatedAtMs: atMs }, position: { epoch, lsn: kept.lsn } }
  }
}
