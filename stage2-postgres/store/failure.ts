/**
 * What a client is told when PostgreSQL did not do what it was asked: one place for the question that matters, whether
 * the write certainly did not happen.
 *
 *   never sent, or refused by the server   definite      the transaction was rolled back, or never begun
 *   sent, and no answer                    unknown       it may have been committed, or be about to be
 *   committed, standbys did not confirm    unknown       it is here, and may be lost with this server
 *   refused for its key's sake             unknown       an earlier attempt, in another session, may be about to be committed
 */
import { Problem } from '@relais/shared/http/problem.ts'
import { isStatementError, LinkLost } from './link.ts'
import { NotSent } from './job.ts'

/** The commit was made here, and its wait for the standbys was given up: PostgreSQL says so with a mere warning. */
export class NotConfirmed extends Error {
  override readonly name = 'NotConfirmed'
}

/** The commit was made, and where it is in the WAL is not known: there is no position to answer with. */
export class NotLocated extends Error {
  override readonly name = 'NotLocated'
}

/** A read that failed changed nothing; a replica's routes may send the client's request to the primary instead. */
export function readProblem(error: unknown): unknown {
  if (error instanceof NotSent) return refused(error)
  if (error instanceof LinkLost)
    return new Problem('store-unavailable', { detail: `the read was not answered: ${error.message}`, cause: error })
  if (isStatementError(error) && isPassing(error.code)) {
    const detail = error.code === '40001' ? 'replay of the WAL needed rows that this read was using' : error.message
    return new Problem('store-unavailable', { detail, cause: error })
  }
  return error
}

/** `hasKey`: the write has an idempotency key, and an earlier attempt under it may still be on its way. */
export function writeProblem(error: unknown, hasKey: boolean): unknown {
  if (error instanceof NotSent) return refused(error)
  if (error instanceof LinkLost)
    return new Problem('outcome-unknown', { detail: `the connection was lost: ${error.message}`, cause: error })
  if (error instanceof NotConfirmed) return new Problem('replication-timeout', { detail: error.message, cause: error })
  if (error instanceof NotLocated) return new Problem('outcome-unknown', { detail: error.message, cause: error })
  if (!isStatementError(error)) return error
  if (hasKey && (isLockTimeout(error) || isKeyConflict(error))) return undecided(error)
  if (isContentFault(error)) return new Problem('invalid-content', { detail: error.message, cause: error })
  if (error.code === READ_ONLY) return new Problem('not-primary', { detail: 'PostgreSQL is a standby here', cause: error })
  if (isPassing(error.code))
    return new Problem('store-unavailable', { detail: `PostgreSQL refused the write: ${error.message}`, cause: error })
  return error
}

/** The content of one write is at fault, and not the moment: its neighbours in a batch may well succeed. */
export function isContentFault(error: unknown): boolean {
  return isStatementError(error) && /^(22|23|54)/.test(error.code)
}

/** Another session kept a lock for too long. Of a batch PostgreSQL does not say which of its rows wanted it. */
export function isLockTimeout(error: unknown): boolean {
  return isStatementError(error) && error.code === LOCK_NOT_AVAILABLE
}

/** Another session made a write under the same key while this one waited for it: looking again finds the key. */
export function isKeyConflict(error: unknown): boolean {
  return isStatementError(error) && error.code === UNIQUE_VIOLATION && error.constraint_name === 'idempotency_keys_pkey'
}

const UNIQUE_VIOLATION = '23505'
const READ_ONLY = '25006'
const LOCK_NOT_AVAILABLE = '55P03'

/** Conditions that pass: conflicts, locks, a server that is (still) a standby, cancelled statements, missing resources. */
function isPassing(code: string): boolean {
  return /^(40|53|55|57|58)/.test(code)
}

/** Who holds the lock may be the first attempt, which waits for its standbys in the session of a service that is gone. */
function undecided(error: Error): Problem {
  const detail = `an earlier attempt under this key may be on its way: ${error.message}`
  return new Problem('store-unavailable', { detail, definite: false, cause: error })
}

function refused(error: NotSent): Problem {
  if (error.reason === 'overloaded') return new Problem('overloaded', { detail: error.message, cause: error })
  return new Problem('store-unavailable', { detail: `PostgreSQL is away: ${error.message}`, cause: error })
}
