/** Replacing and removing records: each a transaction of its own, a few side by side. */
import { Problem } from '@relais/shared/http/problem.ts'
import type { Sql } from 'postgres'
import { confirmedWrite } from './confirmed-write.ts'
import type { Inserted } from './insert-lane.ts'
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
    return this.#submit(id, message, fingerprint, (sql) => replaceRecord(sql, id, message, key, fingerprint))
  }

  /** Outcome `not-found` when there is no such record. */
  remove(id: number, key: string | null, fingerprint: string): Submitted<Inserted> {
    return this.#submit(id, '', fingerprint, (sql) => removeRecord(sql, id, key, fingerprint))
  }

  #submit(
    id: number,
    message: string,
    fingerprint: string,
    statement: (sql: Sql) => PromiseLike<readonly KeyedRow[]>,
  ): Submitted<Inserted> {
    return this.#pool.submit(async (link) => {
      const { rows, lsn } = await confirmedWrite(link, statement)
      const row = rows[0]
      if (!row) throw new Problem('not-found', { detail: `there is no record ${id}` })
      if (row.fingerprint !== null && row.fingerprint !== fingerprint) throw keyReused()
      return { record: { id: row.id, message, origin: row.origin, createdAtMs: row.created_at, updatedAtMs: row.updated_at }, lsn }
    })
  }
}
