/**
 * Every statement that records are read and written with. Prepared once a connection, then only bound.
 *
 * Positions come from the statement itself or from the same connection right after it, never from another one: a
 * position that was read too early would be a token that promises less than the client has seen.
 */
import type { Sql } from 'postgres'
import { JSON_BYTES_A_BYTE, PAGE_BYTES_MAX, RECORD_BYTES } from '@relais/shared/store/page-bound.ts'

/** A record as the driver returns it: times in milliseconds since the Unix epoch. */
interface RecordRow {
  readonly id: number
  readonly message: string
  readonly origin: string
  readonly created_at: number
  readonly updated_at: number
}

/** The position beside each record. `is_behind`: the standby has received more than it has replayed. */
export interface ReadRow extends RecordRow {
  readonly lsn: string
  readonly is_behind: boolean
}

export type ReadStatements = typeof PRIMARY_READS

/**
 * On the primary a commit is in the WAL before anybody can see it: the insert position covers all that is visible.
 *
 * `bounded` is `before` for long pages: it ends with the record that takes the page above its bound (page-bound.ts), by which the reader
 * knows that there is more; no record is that large alone. The rest is neither sent nor, where the server keeps long text apart, read.
 */
export const PRIMARY_READS = {
  newest: (sql: Sql, limit: number) => sql<ReadRow[]>`
    SELECT id, message, origin, created_at, updated_at, pg_current_wal_insert_lsn() AS lsn, false AS is_behind
    FROM records ORDER BY id DESC LIMIT ${limit}`,
  before: (sql: Sql, limit: number, before: number) => sql<ReadRow[]>`
    SELECT id, message, origin, created_at, updated_at, pg_current_wal_insert_lsn() AS lsn, false AS is_behind
    FROM records WHERE id < ${before} ORDER BY id DESC LIMIT ${limit}`,
  bounded: (sql: Sql, limit: number, before: number) => sql<ReadRow[]>`
    SELECT id, message, origin, created_at, updated_at, pg_current_wal_insert_lsn() AS lsn, false AS is_behind
    FROM (
      SELECT id, message, origin, created_at, updated_at, sum(${RECORD_BYTES} + ${JSON_BYTES_A_BYTE} * octet_length(message))
        OVER (ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM records WHERE id < ${before} ORDER BY id DESC LIMIT ${limit}
    ) AS page WHERE coalesce(bytes_before, 0) <= ${PAGE_BYTES_MAX} ORDER BY id DESC`,
  get: (sql: Sql, id: number) => sql<ReadRow[]>`
    SELECT id, message, origin, created_at, updated_at, pg_current_wal_insert_lsn() AS lsn, false AS is_behind
    FROM records WHERE id = ${id}`,
  position: (sql: Sql) => sql<Pick<ReadRow, 'lsn' | 'is_behind'>[]>`SELECT pg_current_wal_insert_lsn() AS lsn, false AS is_behind`,
}

/**
 * On a standby a commit becomes visible just before the replay position includes it: see standby-position.ts. `is_behind` comes first:
 * columns are computed in their order, and after the position was read the rest may be replayed, which says nothing of the position. Nothing
 * received yet (NULL) is behind as well: since its start the standby replays what it has on its disk.
 */
export const STANDBY_READS: ReadStatements = {
  newest: (sql, limit) => sql`
    SELECT id, message, origin, created_at, updated_at,
      coalesce(pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn(), true) AS is_behind, pg_last_wal_replay_lsn() AS lsn
    FROM records ORDER BY id DESC LIMIT ${limit}`,
  before: (sql, limit, before) => sql`
    SELECT id, message, origin, created_at, updated_at,
      coalesce(pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn(), true) AS is_behind, pg_last_wal_replay_lsn() AS lsn
    FROM records WHERE id < ${before} ORDER BY id DESC LIMIT ${limit}`,
  bounded: (sql, limit, before) => sql`
    SELECT id, message, origin, created_at, updated_at,
      coalesce(pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn(), true) AS is_behind, pg_last_wal_replay_lsn() AS lsn
    FROM (
      SELECT id, message, origin, created_at, updated_at, sum(${RECORD_BYTES} + ${JSON_BYTES_A_BYTE} * octet_length(message))
        OVER (ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM records WHERE id < ${before} ORDER BY id DESC LIMIT ${limit}
    ) AS page WHERE coalesce(bytes_before, 0) <= ${PAGE_BYTES_MAX} ORDER BY id DESC`,
  get: (sql, id) => sql`
    SELECT id, message, origin, created_at, updated_at,
      coalesce(pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn(), true) AS is_behind, pg_last_wal_replay_lsn() AS lsn
    FROM records WHERE id = ${id}`,
  position: (sql) => sql`
    SELECT coalesce(pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn(), true) AS is_behind, pg_last_wal_replay_lsn() AS lsn`,
}

export interface InsertedRow {
  readonly id: number
  readonly created_at: number
}

/** All messages of a batch at once; one row for each, in their order. */
export const insertBatch = (sql: Sql, messages: string, origin: string) => sql<InsertedRow[]>`
  INSERT INTO records (message, origin)
  SELECT message, ${origin} FROM unnest(${messages}::text[]) WITH ORDINALITY AS input (message, place) ORDER BY place
  RETURNING id, created_at`

/** An answer to a write under a key: a new one, or with a fingerprint the one that was kept. */
export interface KeyedRow {
  /** 1-based, in the order of the batch. */
  readonly place: number
  /** `null`: the write was made now. */
  readonly fingerprint: string | null
  readonly id: number
  readonly origin: string
  readonly created_at: number
  readonly updated_at: number
}

/**
 * The same with idempotency keys: a key that is known gives back what was answered, a new one is kept with its record.
 * Counting the repeat makes it a write, so its answer waits for the standbys as the first one did.
 */
export const insertKeyedBatch = (sql: Sql, messages: string, keys: string, fingerprints: string, origin: string) => sql<KeyedRow[]>`
  WITH input AS MATERIALIZED (
    SELECT * FROM unnest(${messages}::text[], ${keys}::text[], ${fingerprints}::text[]) WITH ORDINALITY AS input (message, key, fingerprint, place)
  ), repeated AS (
    UPDATE idempotency_keys AS kept SET repeats = kept.repeats + 1 FROM input WHERE kept.key = input.key
    RETURNING input.place, kept.fingerprint, kept.record_id, kept.origin, kept.created_at, kept.updated_at
  ), fresh AS MATERIALIZED (
    SELECT place, message, key, fingerprint, nextval('records_id_seq') AS id, now()::timestamptz(3) AS at
    FROM (SELECT * FROM input WHERE place NOT IN (SELECT place FROM repeated) ORDER BY place) AS ordered
  ), inserted AS (
    INSERT INTO records (id, message, origin, created_at, updated_at) SELECT id, message, ${origin}, at, at FROM fresh
  ), keyed AS (
    INSERT INTO idempotency_keys (key, fingerprint, record_id, origin, created_at, updated_at)
    SELECT key, fingerprint, id, ${origin}, at, at FROM fresh WHERE key IS NOT NULL
  )
  SELECT place, NULL AS fingerprint, id, ${origin}::text AS origin, at AS created_at, at AS updated_at FROM fresh
  UNION ALL SELECT place, fingerprint, record_id, origin, created_at, updated_at FROM repeated`

/** No row: there is no such record. */
export const replaceRecord = (sql: Sql, id: number, message: string, key: string | null, fingerprint: string) => sql<KeyedRow[]>`
  WITH repeated AS (
    UPDATE idempotency_keys SET repeats = repeats + 1 WHERE key = ${key}
    RETURNING fingerprint, record_id, origin, created_at, updated_at
  ), changed AS (
    UPDATE records SET message = ${message}, updated_at = now() WHERE id = ${id} AND NOT EXISTS (SELECT FROM repeated)
    RETURNING id, origin, created_at, updated_at
  ), keyed AS (
    INSERT INTO idempotency_keys (key, fingerprint, record_id, origin, created_at, updated_at)
    SELECT ${key}, ${fingerprint}, id, origin, created_at, updated_at FROM changed WHERE ${key}::text IS NOT NULL
  )
  SELECT 1 AS place, NULL AS fingerprint, id, origin, created_at, updated_at FROM changed
  UNION ALL SELECT 1, fingerprint, record_id, origin, created_at, updated_at FROM repeated`

/** No row: there is no such record. */
export const removeRecord = (sql: Sql, id: number, key: string | null, fingerprint: string) => sql<KeyedRow[]>`
  WITH repeated AS (
    UPDATE idempotency_keys SET repeats = repeats + 1 WHERE key = ${key}
    RETURNING fingerprint, record_id, origin, created_at, updated_at
  ), removed AS (
    DELETE FROM records WHERE id = ${id} AND NOT EXISTS (SELECT FROM repeated)
    RETURNING id, origin, created_at, updated_at
  ), keyed AS (
    INSERT INTO idempotency_keys (key, fingerprint, record_id, origin, created_at, updated_at)
    SELECT ${key}, ${fingerprint}, id, origin, created_at, updated_at FROM removed WHERE ${key}::text IS NOT NULL
  )
  SELECT 1 AS place, NULL AS fingerprint, id, origin, created_at, updated_at FROM removed
  UNION ALL SELECT 1, fingerprint, record_id, origin, created_at, updated_at FROM repeated`

/** From now on no statement of this connection waits long for a lock. */
export const waitBrieflyForLocks = (sql: Sql) => sql`SET lock_timeout = '50ms'`

/** As the connection was opened with. */
export const waitForLocksAsBefore = (sql: Sql) => sql`RESET lock_timeout`

/** Asked on the same connection after a commit: at or after it in the WAL. */
export const positionAfterCommit = (sql: Sql) => sql<{ lsn: string }[]>`SELECT pg_current_wal_insert_lsn() AS lsn`

/** Keys older than the lifetime, a bounded number of them. */
export const forgetKeys = (sql: Sql, lifetimeMs: number, countMax: number) => sql`
  DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE kept_at < now() - make_interval(secs => ${lifetimeMs} / 1000.0) ORDER BY kept_at LIMIT ${countMax}
  )`

/** PostgreSQL's text form of an array; `null` becomes NULL. */
export function arrayLiteral(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : `"${value.replace(/["\\]/g, '\\$&')}"`)).join(',')}}`
}
