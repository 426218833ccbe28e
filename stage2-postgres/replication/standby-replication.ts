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
  /** When it last was level with what it streams, by `performance.now()`; forgotten when the stream, or the server, is away. */
  #levelAtMs: number | undefined

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
    const row = this.#bounded(await this.#read())
    // A promoted server is on a timeline of its own, of which the primary's tokens are no part.
    if (!row.is_promoted) this.#options.timeline.see(row.timeline)
    this.#options.onLook(row)
    return row
  }

  async #read(): Promise<ReceiverRow> {
    try {
      const rows = await readWithin(this.#options.pool, (link) => link.query(lookAtStandby), LOOK_TIMEOUT_MS)
      return rows[0]!
    } catch (error) {
      this.#levelAtMs = undefined
      throw error
    }
  }

  /** (!) After an idle hour the first write makes the last transaction an hour old, and the standby is not that late: it was level until now. */
  #bounded(row: ReceiverRow): ReceiverRow {
    const nowMs = performance.now()
    if (row.receiver !== 'streaming') this.#levelAtMs = undefined
    else if (row.lag_ms === 0) this.#levelAtMs = nowMs
    if (row.lag_ms === null || this.#levelAtMs === undefined) return row
    return { ...row, lag_ms: Math.min(row.lag_ms, Math.round(nowMs - this.#levelAtMs)) }
  }
}
