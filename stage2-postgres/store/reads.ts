/** Reads, on a primary or on a standby: one round trip, one prepared statement, and the position in its answer. */
import { boundPage } from '@relais/shared/store/page-bound.ts'
import { READ_MS_MAX, type At, type Page, type PageQuery, type StoredRecord } from '@relais/shared/store/store.ts'
import type { Position } from '@relais/shared/store/position.ts'
import type { Link } from './link.ts'
import type { Pool } from './pool.ts'
import { readWithin } from './read-within.ts'
import { SharedReads } from './shared-reads.ts'
import type { ReadRow, ReadStatements } from './statements.ts'

export interface ReadsOptions {
  readonly pool: Pool
  readonly statements: ReadStatements
  /** The position that an answer with this row may claim. */
  readonly claim: (row: Pick<ReadRow, 'lsn' | 'is_behind'>) => Position
}

/** So few are below a megabyte, and adding up their lengths would cost the server half of what the page does. */
const SHORT_PAGE_RECORDS_MAX = 20

export class Reads {
  readonly #options: ReadsOptions
  readonly #pages = new SharedReads<At<Page>>()

  constructor(options: ReadsOptions) {
    this.#options = options
  }

  async get(id: number, deadlineMs = Date.now() + READ_MS_MAX): Promise<At<StoredRecord | undefined>> {
    const { statements, claim } = this.#options
    const rows = await this.#run(deadlineMs, (link) => link.query((sql) => statements.get(sql, id)))
    const row = rows[0]
    return row ? { value: toRecord(row), position: claim(row) } : { value: undefined, position: await this.position(deadlineMs) }
  }

  page(query: PageQuery, deadlineMs = Date.now() + READ_MS_MAX): Promise<At<Page>> {
    return this.#pages.ask(`${query.limit} ${query.before}`, deadlineMs, (atMs) => this.#page(query, atMs))
  }

  async position(deadlineMs = Date.now() + READ_MS_MAX): Promise<Position> {
    const rows = await this.#run(deadlineMs, (link) => link.query(this.#options.statements.position))
    return this.#options.claim(rows[0]!)
  }

  async #page({ limit, before }: PageQuery, deadlineMs: number): Promise<At<Page>> {
    const { statements, claim } = this.#options
    // One more than asked for says whether there is anything older.
    const rowsMax = limit + 1
    const rows = await this.#run(deadlineMs, (link) =>
      link.query((sql) => {
        if (limit > SHORT_PAGE_RECORDS_MAX) return statements.bounded(sql, rowsMax, before ?? Number.MAX_SAFE_INTEGER)
        return before === undefined ? statements.newest(sql, rowsMax) : statements.before(sql, rowsMax, before)
      }),
    )
    const first = rows[0]
    if (!first) return { value: { records: [], next: null }, position: await this.position(deadlineMs) }
    const hasMore = rows.length > limit
    const records = (hasMore ? rows.slice(0, limit) : [...rows]).map(toRecord)
    return { value: boundPage({ records, next: hasMore ? records.at(-1)!.id : null }), position: claim(first) }
  }

  #run<T>(deadlineMs: number, work: (link: Link) => Promise<T>): Promise<T> {
    return readWithin(this.#options.pool, work, Math.max(0, deadlineMs - Date.now()))
  }
}

function toRecord({ id, message, origin, created_at: createdAtMs, updated_at: updatedAtMs }: ReadRow): StoredRecord {
  return { id, message, origin, createdAtMs, updatedAtMs }
}
