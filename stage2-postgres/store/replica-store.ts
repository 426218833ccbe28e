/** A standby's `Store`: reads what replay has brought, refuses every write. */
import { Problem } from '@relais/shared/http/problem.ts'
import { formatWalPosition, type Position } from '@relais/shared/store/position.ts'
import type { At, Durability, Page, PageQuery, ReplicationStatus, Store, StoredRecord } from '@relais/shared/store/store.ts'
import type { StandbyReplication } from '../replication/standby-replication.ts'
import type { Connections } from './connections.ts'
import { Reach } from './reach.ts'
import { Reads } from './reads.ts'
import type { StandbyPosition } from './standby-position.ts'
import { STANDBY_READS, type ReadRow } from './statements.ts'
import { parseLsn, type Timeline } from './wal-position.ts'

export interface ReplicaStoreOptions {
  readonly name: string
  readonly durability: Durability
  readonly connections: Connections
  readonly replication: StandbyReplication
  readonly standbyPosition: StandbyPosition
  readonly timeline: Timeline
}

const REACH_POLL_TIMEOUT_MS = 250

export class ReplicaStore implements Store {
  readonly role = 'replica'
  readonly formatPosition = formatWalPosition
  readonly #options: ReplicaStoreOptions
  readonly #reads: Reads
  readonly #reach: Reach

  constructor(options: ReplicaStoreOptions) {
    this.#options = options
    const pool = options.connections.pool('reads')
    this.#reads = new Reads({ pool, statements: STANDBY_READS, claim: (row) => this.#claim(row) })
    this.#reach = new Reach(async () => {
      const rows = await pool.run((link) => link.query(STANDBY_READS.position), REACH_POLL_TIMEOUT_MS)
      this.#claim(rows[0]!)
      return options.standbyPosition.replayed
    })
  }

  notReadyBecause(): string | undefined {
    return this.#options.connections.awayBecause('reads')
  }

  insert(): Promise<never> {
    return this.#refuse()
  }

  replace(): Promise<never> {
    return this.#refuse()
  }

  remove(): Promise<never> {
    return this.#refuse()
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

  async reach({ epoch, lsn }: Position, timeoutMs: number): Promise<boolean> {
    const { timeline, standbyPosition } = this.#options
    if (epoch !== timeline.current) return epoch < timeline.current
    return standbyPosition.replayed >= lsn || this.#reach.wait(lsn, timeoutMs)
  }

  async replication(): Promise<ReplicationStatus> {
    const { name, durability, replication, connections } = this.#options
    const [{ upstream, details }, position] = await Promise.all([replication.status(), this.position()])
    return {
      name,
      role: 'replica',
      mechanism: 'streaming',
      durability,
      position: formatWalPosition(position),
      upstream,
      replicas: [],
      details: { ...details, connections: connections.open(), waiting: connections.waiting() },
    }
  }

  async close(): Promise<void> {
    this.#options.replication.close()
    await this.#options.connections.close()
  }

  #claim({ lsn, is_behind }: Pick<ReadRow, 'lsn' | 'is_behind'>): Position {
    const { timeline, standbyPosition } = this.#options
    return { epoch: timeline.current, lsn: standbyPosition.claim(parseLsn(lsn), is_behind) }
  }

  async #refuse(): Promise<never> {
    throw new Problem('not-primary', { detail: `${this.#options.name} is a standby; writes go to the primary` })
  }
}
