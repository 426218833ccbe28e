/**
 * A visitor's count of visits, kept in three places: what a session costs, side by side.
 *
 *   POST /visits/memory     in this frontend's memory    gone with it, unknown to the others: needs sticky routing, and breaks all the same
 *   POST /visits/external   a record in the database tier    any frontend serves any visitor, for a read and a write each time
 *   POST /visits/client     in the visitor's own cookie    nothing to keep; (!) the visitor can write what he likes
 *
 * The pages and the API keep nothing, as /visits/client; the memory here is the one exception, and is bounded.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { askToWrite } from '../http/keyed-write.ts'
import { askNextTier, passBack } from '../http/pass-on.ts'
import { headerOf, type Service, type ServiceContext } from '../http/service.ts'
import type { TierClient } from '../http/tier-client.ts'
import { refuseOtherSites } from './refuse-other-sites.ts'

/** The visitor who has been away longest is forgotten first. */
const VISITORS_MAX = 10_000
const VISITS_MAX = 1_000_000_000

const VISITOR_COOKIE = 'relais_visitor'
const COUNT_COOKIE = 'relais_visits'
const RECORD_COOKIE = 'relais_visits_record'

type Kept = 'memory' | 'external' | 'client'

export function mountVisits(service: Service, backendTier: TierClient): void {
  const memory = new Map<string, number>()
  const count = (keptIn: Kept, counted: (c: ServiceContext) => Response | Promise<Response>): void => {
    service.app.post(`/visits/${keptIn}`, (c) => (refuseOtherSites(c), counted(c)))
  }
  count('memory', (c) => countInMemory(c, memory))
  count('client', (c) => {
    const visits = Math.min(VISITS_MAX, (numberIn(c, COUNT_COOKIE) ?? 0) + 1)
    return answer(c, 'client', visits, [COUNT_COOKIE, String(visits)])
  })
  count('external', (c) => countInDatabase(c, backendTier))
}

function countInMemory(c: ServiceContext, memory: Map<string, number>): Response {
  const asked = cookie(c, VISITOR_COOKIE)
  const visitor = asked !== undefined && VISITOR_FORM.test(asked) ? asked : randomUUID()
  const visits = (memory.get(visitor) ?? 0) + 1
  // Set anew, so that a map, which keeps its order, has the longest absent first.
  memory.delete(visitor)
  memory.set(visitor, visits)
  if (memory.size > VISITORS_MAX) memory.delete(memory.keys().next().value!)
  return answer(c, 'memory', visits, [VISITOR_COOKIE, visitor])
}

/**
 * Read and written in two steps: two visits at the same moment may count as one. A counter would need a transaction. (!) What is written
 * depends on what was read, so a repeat of the visit may write something else: it must not have the same key, and the client's is ignored.
 */
async function countInDatabase(c: ServiceContext, backendTier: TierClient): Promise<Response> {
  const id = numberIn(c, RECORD_COOKIE)
  const known =
    id === undefined ? undefined : await askNextTier(c, backendTier, { method: 'GET', path: `/api/data/${id}`, headers: PRIMARY })
  if (known && known.status !== 200 && known.status !== 404) return passBack(c.env.exchange, known)
  const before = known?.status === 200 ? visitsIn(known.body) : undefined
  const visits = (before ?? 0) + 1
  const body = JSON.stringify({ message: `visits: ${visits}` })
  // A record that counts no visits is somebody else's: a cookie may name any, and must not overwrite one.
  const isOwn = id !== undefined && before !== undefined
  const target = isOwn ? { method: 'PUT', path: `/api/data/${id}` } : { method: 'POST', path: '/api/data' }
  const { answer: written, keyHeader } = await askToWrite(c, backendTier, { ...target, body, headers: JSON_BODY, key: randomUUID() })
  if (written.status >= 400) return passBack(c.env.exchange, written, keyHeader)
  const record = recordSchema.parse(JSON.parse(written.body.toString()))
  return answer(c, 'external', visits, [RECORD_COOKIE, String(record.id)])
}

const PRIMARY = { 'x-read-from': 'primary' }
const JSON_BODY = { 'content-type': 'application/json' }
const VISITOR_FORM = /^[0-9a-f-]{36}$/
const recordSchema = z.object({ id: z.number().int(), message: z.string() })

function visitsIn(body: Buffer): number | undefined {
  const { message } = recordSchema.parse(JSON.parse(body.toString()))
  const digits = /^visits: (\d{1,9})$/.exec(message)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function answer(c: ServiceContext, keptIn: Kept, visits: number, [name, value]: [string, string]): Response {
  const headers = { 'set-cookie': `${name}=${value}; Path=/visits; HttpOnly; SameSite=Lax` }
  return c.env.exchange.json(200, { visits, keptIn, servedBy: c.env.exchange.name }, headers)
}

function numberIn(c: ServiceContext, name: string): number | undefined {
  const text = cookie(c, name)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function cookie(c: ServiceContext, name: string): string | undefined {
  const pairs = (headerOf(c, 'cookie') ?? '').split(/; */)
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}
