/** A standby's view of its link to the primary, renewed several times a second. */
import type { ReplicaStatus } from '@relais/shared/store/store.ts'
import type { Pool } from '../store/pool.ts'
import { readWithin } from '../store/read-within.ts'
import type { Timeline } from '../store/wal-position.ts'
import { lookAtStandby, upstreamStatus, type ReceiverRow } from './status.ts'

export interface StandbyReplicationOptions {
  /** Connected as the monitor. */
  readonly pool: Pool
  readonly primaryName: string
  readonly timeline: Timeline
  /** Told of every look: how far replay is. */
  readonly onLook: (row: ReceiverRow) => void
}

const LOOK_EVERY_MS = 200
const LOOK_TIMEOUT_MS = 1_000

export class StandbyReplication {
  readonly #options: StandbyReplicationOptions
  readonly #timer: NodeJS.Timeout
  #looking: Promise<ReceiverRow> | undefined

  constructor(options: StandbyReplicationOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.look().catch(() => {}), LOOK_EVERY_MS)
    this.#timer.unref()
    this.look().catch(() => {})
  }

  /** Asks the server now; those who ask at the same time share one answer. Rejects with a `Problem` while it is away. */
  look(): Promise<ReceiverRow> {
    this.#looking ??= this.#ask().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async status(): Promise<{ upstream: ReplicaStatus; details: Record<string, unknown> }> {
    const row = await this.look()
    const { receiver, sender_host, sender_port, received_lsn, replay_lsn, is_paused, is_promoted } = row
    return {
      upstream: upstreamStatus(this.#options.primaryName, row),
      details: {
        walReceiver: receiver,
        sender: sender_host === null ? null : `${sender_host}:${sender_port}`,
        receivedLsn: received_lsn,
        replayLsn: replay_lsn,
        isReplayPaused: is_paused,
        isPromoted: is_promoted,
      },
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #ask(): Promise<ReceiverRow> {
    const rows = await readWithin(this.#options.pool, (link) => link.query(lookAtStandby), LOOK_TIMEOUT_MS)
    const row = rows[0]!
    // A promoted server is on a timeline of its own, of which the primary's tokens are no part.
    if (!row.is_promoted) this.#options.timeline.see(row.timeline)
    this.#options.onLook(row)
    return row
  }
}
