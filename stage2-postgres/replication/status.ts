/**
 * Replication as PostgreSQL's own views tell it, on either side, in the words of `GET /api/replication`.
 *
 *   primary    pg_stat_replication (who streams, how far) + pg_replication_slots (what is kept for whom)
 *   standby    pg_stat_wal_receiver (is there a stream at all) + the receive and replay positions
 *
 * Lag is told in bytes of WAL, because lag in time means nothing when nobody writes: an idle standby's last transaction
 * grows old without being late. And "up" means streaming: a standby that answers queries may have lost its primary.
 * (!) Such a one has replayed all that it has, and cannot know what it lacks: 0 bytes of its own, and in time as old as its last
 * transaction. What the primary keeps for it is the slot's word. While it streams its lag in time is bounded by when it last was level
 * (standby-replication.ts).
 */
import type { Sql } from 'postgres'
import type { ReplicaStatus } from '@relais/shared/store/store.ts'

/** LSNs in PostgreSQL's text form; `null` where the server knows none. */
export interface StandbyRow {
  readonly name: string
  readonly state: string | null
  readonly sync_state: string | null
  readonly sent_lsn: string | null
  readonly write_lsn: string | null
  readonly flush_lsn: string | null
  readonly replay_lsn: string | null
  readonly lag_bytes: number | null
  readonly lag_ms: number | null
  readonly slot_status: string | null
  readonly slot_active: boolean | null
  readonly slot_kept_bytes: number | null
  /** max_slot_wal_keep_size; `null` without a bound. */
  readonly slot_kept_bytes_max: number | null
}

export interface PrimaryRow {
  readonly lsn: string
  readonly timeline: number
  readonly synchronous_standby_names: string
  readonly synchronous_commit: string
  readonly standbys: readonly StandbyRow[]
}

export interface ReceiverRow {
  /** `null` on a server that never was a standby. */
  readonly replay_lsn: string | null
  readonly is_behind: boolean
  readonly is_paused: boolean
  /** It no longer replays: what it was sent is the past of a history of its own. */
  readonly is_promoted: boolean
  readonly timeline: number
  readonly receiver: string | null
  readonly sender_host: string | null
  readonly sender_port: number | null
  readonly received_lsn: string | null
  readonly primary_lsn: string | null
  readonly lag_bytes: number | null
  readonly lag_ms: number | null
}

/**
 * On the primary; one row, with an entry for each slot and each stream. They are one entry where a standby streams under its own name,
 * which is what synchronous_standby_names compares: a base backup streams through the slot as well, and is no standby yet.
 */
export const lookAtPrimary = (sql: Sql) => sql<PrimaryRow[]>`
  SELECT pg_current_wal_insert_lsn() AS lsn,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    current_setting('synchronous_commit') AS synchronous_commit,
    (SELECT coalesce(json_agg(standby), '[]') FROM (
      SELECT coalesce(slot.slot_name, stream.application_name) AS name, stream.state, stream.sync_state,
        stream.sent_lsn, stream.write_lsn, stream.flush_lsn, stream.replay_lsn,
        CASE WHEN stream.replay_lsn IS NOT NULL THEN greatest(pg_current_wal_flush_lsn() - stream.replay_lsn, 0)::bigint END AS lag_bytes,
        CASE WHEN stream.replay_lsn >= pg_current_wal_flush_lsn() THEN 0
          ELSE round(extract(epoch FROM stream.replay_lag) * 1000) END AS lag_ms,
        slot.wal_status AS slot_status, slot.active AS slot_active,
        (pg_current_wal_flush_lsn() - slot.restart_lsn)::bigint AS slot_kept_bytes,
        CASE WHEN slot.slot_name IS NOT NULL THEN nullif(pg_size_bytes(current_setting('max_slot_wal_keep_size')), -1) END AS slot_kept_bytes_max
      FROM pg_stat_replication AS stream
      FULL JOIN pg_replication_slots AS slot ON slot.active_pid = stream.pid AND slot.slot_name = stream.application_name
      WHERE slot.slot_type = 'physical' OR slot.slot_type IS NULL
    ) AS standby) AS standbys`

/** On a standby; one row. `is_behind` before `replay_lsn`, as in statements.ts. */
export const lookAtStandby = (sql: Sql) => sql<ReceiverRow[]>`
  SELECT coalesce(pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn(), true) AS is_behind,
    pg_last_wal_replay_lsn() AS replay_lsn,
    coalesce((SELECT pg_is_wal_replay_paused() WHERE pg_is_in_recovery()), false) AS is_paused,
    NOT pg_is_in_recovery() AS is_promoted,
    greatest((SELECT timeline_id FROM pg_control_checkpoint()), receiver.received_tli) AS timeline,
    receiver.status AS receiver, receiver.sender_host, receiver.sender_port,
    pg_last_wal_receive_lsn() AS received_lsn, receiver.latest_end_lsn AS primary_lsn,
    greatest(greatest(receiver.latest_end_lsn, pg_last_wal_receive_lsn()) - pg_last_wal_replay_lsn(), 0)::bigint AS lag_bytes,
    CASE WHEN receiver.status = 'streaming'
        AND greatest(receiver.latest_end_lsn, pg_last_wal_receive_lsn()) <= pg_last_wal_replay_lsn() THEN 0
      ELSE round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint END AS lag_ms
  FROM (SELECT 1) AS one LEFT JOIN pg_stat_wal_receiver AS receiver ON true`

/** A standby as its primary sees it. `row` is `undefined` when the primary knows neither a stream nor a slot of it. */
export function standbyStatus(name: string, timeline: number, row: StandbyRow | undefined): ReplicaStatus {
  return {
    name,
    state: standbyState(row),
    position: row?.replay_lsn ? `${timeline}:${row.replay_lsn}` : null,
    lagRecords: null,
    lagBytes: row?.lag_bytes ?? null,
    lagMs: row?.lag_ms ?? null,
  }
}

function standbyState(row: StandbyRow | undefined): ReplicaStatus['state'] {
  if (row?.state === 'streaming') return 'streaming'
  if (!row || row.slot_status === 'lost' || (row.slot_status === null && row.state === null)) return 'lost'
  return row.state === null ? 'unreachable' : 'catching-up'
}

/** The link to the primary as the standby sees it. */
export function upstreamStatus(primaryName: string, row: ReceiverRow): ReplicaStatus {
  return {
    name: primaryName,
    state: receiverState(row),
    position: row.primary_lsn === null ? null : `${row.timeline}:${row.primary_lsn}`,
    lagRecords: null,
    lagBytes: row.lag_bytes,
    lagMs: row.lag_ms,
  }
}

function receiverState({ receiver, is_promoted }: ReceiverRow): ReplicaStatus['state'] {
  if (receiver === 'streaming') return 'streaming'
  if (is_promoted) return 'lost'
  return receiver === null ? 'unreachable' : 'catching-up'
}
