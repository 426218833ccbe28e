/** Reads, on a primary or on a standby: one round trip, one prepared statement, and the position in its answer. */
import type { At, Page, PageQuery, StoredRecord } from '@relais/shared/store/store.ts'
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

/** Shorter than db-lb's second: the answer is ours, and there is time left for the primary. */
const READ_TIMEOUT_MS = 800

export class Reads {
  readonly #options: ReadsOptions
  readonly #pages = new SharedReads<At<Page>>()

  constructor(options: ReadsOptions) {
    this.#options = options
  }

  async get(id: number): Promise<At<StoredRecord | undefined>> {
    const { statements, claim } = this.#options
    const rows = await this.#run((link) => link.query((sql) => statements.get(sql, id)))
    const row = rows[0]
    return row ? { value: toRecord(row), position: claim(row) } : { value: undefined, position: await this.position() }
  }

  page(query: PageQuery): Promise<At<Page>> {
    return this.#pages.ask(`${query.limit} ${query.before}`, () => this.#page(query))
  }

  async position(): Promise<Position> {
    const rows = await this.#run((link) => link.query(this.#options.statements.position))
    return this.#options.claim(rows[0]!)
  }

  async #page({ limit, before }: PageQuery): Promise<At<Page>> {
    const { statements, claim } = this.#options
    // One more than asked for says whether there is anything older.
    const rows = await this.#run((link) =>
      link.query((sql) => (before === undefined ? statements.newest(sql, limit + 1) : statements.before(sql, limit + 1, before))),
    )
    const first = rows[0]
    if (!first) return { value: { records: [], next: null }, position: await this.position() }
    const hasMore = rows.length > limit
    const records = (hasMore ? rows.slice(0, limit) : [...rows]).map(toRecord)
    return { value: { records, next: hasMore ? records.at(-1)!.id : null }, position: claim(first) }
  }

  #run<T>(work: (link: Link) => Promise<T>): Promise<T> {
    return readWithin(this.#options.pool, work, READ_TIMEOUT_MS)
  }
}

function toRecord({ id, message, origin, created_at: createdAtMs, updated_at: updatedAtMs }: ReadRow): StoredRecord {
  return { id, message, origin, createdAtMs, updatedAtMs }
}
