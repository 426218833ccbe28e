/**
 * The primary's view of its standbys, renewed several times a second, and what follows from it for a write.
 *
 * PostgreSQL commits first and waits afterwards: with too few standbys every write would be made here, wait until its
 * deadline and end unknown. So a write that cannot be confirmed now is refused before it is made, which is definite.
 * The look is a fraction of a second old, so this spares most of those waits and not all of them.
 */
import { Problem } from '@relais/shared/http/problem.ts'
import type { Durability, ReplicaStatus } from '@relais/shared/store/store.ts'
import type { Pool } from '../store/pool.ts'
import { readWithin } from '../store/read-within.ts'
import type { Timeline } from '../store/wal-position.ts'
import { canConfirm, readSynchronousStandbys, type SynchronousStandbys } from './durability.ts'
import { lookAtPrimary, standbyStatus, type PrimaryRow } from './status.ts'

export interface PrimaryReplicationOptions {
  /** Connected as the monitor. */
  readonly pool: Pool
  /** The standbys' names. */
  readonly standbys: readonly string[]
  readonly timeline: Timeline
  /** Until the server was asked. */
  readonly durability: Durability
}

const LOOK_EVERY_MS = 200
const LOOK_TIMEOUT_MS = 1_000
/** A look older than this says nothing any more. */
const LOOK_AGE_MS_MAX = 1_500

export class PrimaryReplication {
  readonly #options: PrimaryReplicationOptions
  readonly #timer: NodeJS.Timeout
  #seen: PrimaryRow | undefined
  #synchronous: SynchronousStandbys
  #seenAtMs = 0
  #looking: Promise<PrimaryRow> | undefined

  constructor(options: PrimaryReplicationOptions) {
    this.#options = options
    this.#synchronous = { durability: options.durability, needed: 0, names: [] }
    this.#timer = setInterval(() => void this.look().catch(() => {}), LOOK_EVERY_MS)
    this.#timer.unref()
    this.look().catch(() => {})
  }

  /** What the server is set to, which may have been changed since the service started. */
  get durability(): Durability {
    return this.#synchronous.durability
  }

  get isSynchronous(): boolean {
    return this.#synchronous.needed > 0
  }

  /** Throws `not-enough-replicas` when the standbys that must confirm a commit are not there. */
  ensurePossible(): void {
    const { needed, durability } = this.#synchronous
    if (needed === 0 || !this.#seen || performance.now() - this.#seenAtMs > LOOK_AGE_MS_MAX) return
    const streaming = this.#seen.standbys.filter(({ name, state }) => state === 'streaming' && canConfirm(this.#synchronous, name)).length
    if (streaming >= needed) return
    throw new Problem('not-enough-replicas', { detail: `${durability} needs ${needed} streaming standbys, found ${streaming}` })
  }

  /** Asks the server now; those who ask at the same time share one answer. Rejects with a `Problem` while it is away. */
  look(): Promise<PrimaryRow> {
    this.#looking ??= this.#ask().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async status(): Promise<{ replicas: ReplicaStatus[]; details: Record<string, unknown> }> {
    const row = await this.look()
    const known = new Map(row.standbys.map((standby) => [standby.name, standby]))
    return {
      replicas: this.#options.standbys.map((name) => standbyStatus(name, row.timeline, known.get(name))),
      details: {
        synchronousStandbyNames: row.synchronous_standby_names,
        synchronousCommit: row.synchronous_commit,
        standbys: row.standbys,
      },
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #ask(): Promise<PrimaryRow> {
    const rows = await readWithin(this.#options.pool, (link) => link.query(lookAtPrimary), LOOK_TIMEOUT_MS)
    const row = rows[0]!
    this.#seen = row
    this.#seenAtMs = performance.now()
    this.#synchronous = readSynchronousStandbys(row.synchronous_standby_names, row.synchronous_commit)
    this.#options.timeline.see(row.timeline)
    return row
  }
}
