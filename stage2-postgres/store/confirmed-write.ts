/**
 * One write, and where its commit is in the WAL: the step that inserts and changes share.
 *
 *   statement ─▶ commit ─▶ (wait for standbys) ─▶ rows
 *   position  ────────────────────────────────────▶ lsn, at or after the commit
 *
 * Both go out together; the second runs when the first is committed. So from the rows on nothing can be refused any more: whatever goes
 * wrong with the position, or with the wait, leaves the outcome unknown and must not look like a refusal of the write.
 */
import type { Sql } from 'postgres'
import { NotConfirmed, NotLocated } from './failure.ts'
import type { Link } from './link.ts'
import { positionAfterCommit } from './statements.ts'

export interface ConfirmedWrite<Row> {
  readonly rows: readonly Row[]
  /** At or after the commit, as PostgreSQL prints it. */
  readonly lsn: string
}

/** Rejects with the statement's error (not made), or with `LinkLost`, `NotConfirmed` or `NotLocated` (unknown). */
export async function confirmedWrite<Row>(link: Link, statement: (sql: Sql) => PromiseLike<readonly Row[]>): Promise<ConfirmedWrite<Row>> {
  const warnings = link.warnings
  const committing = link.query(statement)
  const locating = link.query(positionAfterCommit)
  locating.catch(() => {})
  const rows = await committing
  const located = await locating.catch((error: unknown) => {
    throw new NotLocated('the write was committed, and its position could not be read', { cause: error })
  })
  if (link.warnings !== warnings) throw new NotConfirmed('the wait for the standbys was given up on the server')
  return { rows, lsn: located[0]!.lsn }
}
