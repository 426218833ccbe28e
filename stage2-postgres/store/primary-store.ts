/**
 * The primary's `Store`: writes through the insert lane and the pool of changes, reads through a pool of their own, so
 * that writes that wait for a standby never hold up a read.
 *
 *   insert          ─▶ Once ─▶ InsertLane ─▶ one link
 *   replace, remove ─▶ Once ─▶ Changes    ─▶ a few links
 *   get, page       ─▶ Reads              ─▶ pipelined links
 */
import { formatWalPosition, type Position } from '@relais/shared/store/position.ts'
import type { At, Page, PageQuery, ReplicationStatus, Store, StoredRecord, WriteOptions } from '@relais/shared/store/store.ts'
import type { Log } from '@relais/shared/observe/log.ts'
import type { PrimaryReplication } from '../replication/primary-replication.ts'
import { Changes } from './changes.ts'
import type { Connections } from './connections.ts'
import { ForgetKeys } from './forget-keys.ts'
import { InsertLane } from './insert-lane.ts'
import { insertPosition } from './insert-position.ts'
import { fingerprintOf, Once } from './once.ts'
import { Reads } from './reads.ts'
import { PRIMARY_READS } from './statements.ts'
import type { Timeline } from './wal-position.ts'

export interface PrimaryStoreOptions {
  readonly name: string
  readonly connections: Connections
  readonly replication: PrimaryReplication
  readonly timeline: Timeline
  readonly log: Log
}

export class PrimaryStore implements Store {
  readonly role = 'primary'
  readonly formatPosition = formatWalPosition
  readonly #options: PrimaryStoreOptions
  readonly #once: Once
  readonly #inserts: InsertLane
  readonly #changes: Changes
  readonly #reads: Reads
  readonly #forgetKeys: ForgetKeys

  constructor(options: PrimaryStoreOptions) {
    this.#options = options
    const { name, connections, replication } = options
    this.#once = new Once({ ensurePossible: () => replication.ensurePossible(), isSynchronous: () => replication.isSynchronous })
    this.#inserts = new InsertLane({ pool: connections.pool('inserts'), origin: name.toUpperCase() })
    this.#changes = new Changes(connections.pool('changes'))
    this.#reads = new Reads({
      pool: connections.pool('reads'),
      statements: PRIMARY_READS,
      claim: ({ lsn }) => this.#at(lsn),
    })
    this.#forgetKeys = new ForgetKeys({
      pool: connections.pool('changes'),
      ensurePossible: () => replication.ensurePossible(),
      log: options.log,
    })
  }

  notReadyBecause(): string | undefined {
    return this.#options.connections.awayBecause('inserts', 'reads')
  }

  async insert(message: string, options: WriteOptions): Promise<At<StoredRecord>> {
    const fingerprint = options.idempotencyKey === undefined ? '' : fingerprintOf('insert', undefined, message)
    const { record, lsn } = await this.#once.run(options, fingerprint, () =>
      this.#inserts.submit(message, options.idempotencyKey ?? null, fingerprint),
    )
    return { value: record, position: this.#at(lsn) }
  }

  async replace(id: number, message: string, options: WriteOptions): Promise<At<StoredRecord>> {
    const fingerprint = fingerprintOf('replace', id, message)
    const { record, lsn } = await this.#once.run(options, fingerprint, () =>
      this.#changes.replace(id, message, options.idempotencyKey ?? null, fingerprint),
    )
    return { value: record, position: this.#at(lsn) }
  }

  async remove(id: number, options: WriteOptions): Promise<At<undefined>> {
    const fingerprint = fingerprintOf('remove', id, '')
    const { lsn } = await this.#once.run(options, fingerprint, () => this.#changes.remove(id, options.idempotencyKey ?? null, fingerprint))
    return { value: undefined, position: this.#at(lsn) }
  }

  get(id: number, deadlineMs?: number): Promise<At<StoredRecord | undefined>> {
    return this.#reads.get(id, deadlineMs)
  }

  page(query: PageQuery, deadlineMs?: number): Promise<At<Page>> {
    return this.#reads.page(query, deadlineMs)
  }

  position(deadlineMs?: number): Promise<Position> {
    return this.#reads.position(deadlineMs)
  }

  async reach(): Promise<boolean> {
    return true
  }

  async replication(): Promise<ReplicationStatus> {
    const { name, replication, connections } = this.#options
    const [{ replicas, details }, position] = await Promise.all([replication.status(), this.position()])
    return {
      name,
      role: 'primary',
      mechanism: 'streaming',
      durability: replication.durability,
      position: formatWalPosition(position),
      upstream: null,
      replicas,
      details: { ...details, connections: connections.open(), waiting: connections.waiting() + this.#inserts.waiting },
    }
  }

  async close(): Promise<void> {
    this.#forgetKeys.close()
    this.#options.replication.close()
    await this.#options.connections.close()
  }

  #at(lsn: string): Position {
    return insertPosition(this.#options.timeline.current, lsn)
  }
}
