/**
 * Replacing and removing records: each a transaction of its own, a few side by side.
 *
 * A repeat can meet its first attempt in another session: a service that was started again left it there, waiting for its standbys. It then
 * waits for the first one's locks, and what it knew when it began is out of date: the key is there now, and the record perhaps gone. So
 * one more look, which finds the key, before anything definite is said.
 */
import { Problem } from '@relais/shared/http/problem.ts'
import type { Sql } from 'postgres'
import { confirmedWrite, type ConfirmedWrite } from './confirmed-write.ts'
import { isKeyConflict } from './failure.ts'
import type { Inserted } from './insert-lane.ts'
import type { Link } from './link.ts'
import { keyReused } from './once.ts'
import type { Submitted } from './job.ts'
import type { Pool } from './pool.ts'
import { removeRecord, replaceRecord, type KeyedRow } from './statements.ts'

export class Changes {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Outcome `not-found` when there is no such record. */
  replace(id: number, message: string, key: string | null, fingerprint: string): Submitted<Inserted> {
    return this.#submit(id, message, key, fingerprint, (sql) => replaceRecord(sql, id, message, key, fingerprint))
  }

  /** Outcome `not-found` when there is no such record. */
  remove(id: number, key: string | null, fingerprint: string): Submitted<Inserted> {
    return this.#submit(id, '', key, fingerprint, (sql) => removeRecord(sql, id, key, fingerprint))
  }

  #submit(
    id: number,
    message: string,
    key: string | null,
    fingerprint: string,
    statement: (sql: Sql) => PromiseLike<readonly KeyedRow[]>,
  ): Submitted<Inserted> {
    return this.#pool.submit(async (link) => {
      const { rows, lsn } = await (key === null ? confirmedWrite(link, statement) : lookedTwice(link, statement))
      const row = rows[0]
      if (!row) throw new Problem('not-found', { detail: `there is no record ${id}` })
      if (row.fingerprint !== null && row.fingerprint !== fingerprint) throw keyReused()
      return { record: { id: row.id, message, origin: row.origin, createdAtMs: row.created_at, updatedAtMs: row.updated_at }, lsn }
    })
  }
}

/** Again when the key was taken meanwhile, or when there was neither key nor record. */
async function lookedTwice(link: Link, statement: (sql: Sql) => PromiseLike<readonly KeyedRow[]>): Promise<ConfirmedWrite<KeyedRow>> {
  try {
    const first = await confirmedWrite(link, statement)
    if (first.rows.length > 0) return first
  } catch (error) {
    if (!isKeyConflict(error)) throw error
  }
  return confirmedWrite(link, statement)
}
