/**
 * `GET /api/replicate/log?after=LSN&limit=N`: a node's log as it stands, primary or replica, newest entries if `after` is left out.
 *
 * Replication does not need it: a replica is told, and asks for nothing. It is for people and for the lab (`lab -- log`, `lab -- ship`), who
 * cannot see otherwise what the positions number. Signed like every call between nodes, because entries carry the clients' idempotency keys.
 */
import { Problem } from '@relais/shared/http/problem.ts'
import type { Service } from '@relais/shared/http/service.ts'
import type { ReplicatedList } from '../store/replicated-list.ts'
import { LOG_PATH, toRow, type LogPage } from './messages.ts'
import { nodeRoute } from './node-route.ts'
import type { Signer } from './signature.ts'

const LIMIT = 20
const LIMIT_MAX = 1_000
const CHARACTERS_MAX = 1024 * 1024

/** `list` is `undefined` on a node that keeps none: a fan-out replica. */
export function mountLog(service: Service, list: ReplicatedList | undefined, signer: Signer): void {
  const show = nodeRoute(signer, (c) => {
    if (!list) throw new Problem('replication-conflict', { detail: 'a fan-out replica keeps no log' })
    const limit = integer('limit', c.req.query('limit'), 1, LIMIT_MAX) ?? LIMIT
    const after = integer('after', c.req.query('after'), 0, Number.MAX_SAFE_INTEGER)
    return pageOf(list, limit, after)
  })
  service.app.get(LOG_PATH, show)
}

/** Begins later than asked for where the log no longer keeps what was. */
export function pageOf({ log, position, last }: ReplicatedList, limit: number, after = Math.max(0, log.lsn - limit)): LogPage {
  const entries = log.entriesAfter(Math.max(after, log.keptAfterLsn), limit, CHARACTERS_MAX) ?? []
  return { position, last, keptAfterLsn: log.keptAfterLsn, epochs: [...log.epochs], entries: entries.map(toRow) }
}

function integer(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d{1,16}$/.test(text) && value >= min && value <= max) return value
  throw new Problem('invalid-parameter', { detail: `${name} is "${text.slice(0, 40)}", expected a whole number from ${min} to ${max}` })
}
