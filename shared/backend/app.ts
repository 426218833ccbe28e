/**
 * The backend tier: validates, names each write once, and passes on to the database tier.
 *
 *   backend-lb ─▶ validate ─▶ Idempotency-Key ─▶ db-lb ─▶ answer in the shape asked for (REST, or the report's)
 *
 * Every write leaves with an idempotency key, its client's or one made here, and every answer shows it: after a timeout
 * the client can repeat the same write under the same key and it has one effect.
 */
import { headerOf, type Service, type ServiceContext } from '../http/service.ts'
import { PRECONDITIONS, SESSION_TOKEN } from '../http/headers.ts'
import { askToWrite } from '../http/keyed-write.ts'
import { askNextTier, headersOf, headersPassedBack, passBack } from '../http/pass-on.ts'
import { readBody } from '../http/read-body.ts'
import { readJson } from '../http/read-json.ts'
import { parseId, parsePageQuery, parseRecordInput, parseSessionToken } from '../http/record-input.ts'
import { instanceNumber } from '../http/settings.ts'
import type { TierClient } from '../http/tier-client.ts'

export function mountBackend(service: Service, databaseTier: TierClient): void {
  const { app } = service
  const serverId = instanceNumber(service.options.name)

  app.get('/data', (c) => read(c, databaseTier))
  app.get('/api/data', (c) => {
    parsePageQuery(c.req.query('limit'), c.req.query('before'))
    return read(c, databaseTier)
  })
  app.get('/api/data/:id', (c) => {
    parseId(c.req.param('id'))
    return read(c, databaseTier)
  })
  app.get('/api/replication', (c) => read(c, databaseTier))

  app.post('/api/data', async (c) => write(c, databaseTier, await readRecord(c)))
  app.put('/api/data/:id', async (c) => {
    parseId(c.req.param('id'))
    return write(c, databaseTier, await readRecord(c))
  })
  app.delete('/api/data/:id', async (c) => {
    parseId(c.req.param('id'))
    // Nothing is in it, but while it is not whole the request may still be refused as malformed.
    await readBody(c)
    return write(c, databaseTier, undefined)
  })
  app.post('/save', async (c) => save(c, databaseTier, serverId, await readRecord(c)))
}

async function read(c: ServiceContext, databaseTier: TierClient): Promise<Response> {
  parseSessionToken(headerOf(c, SESSION_TOKEN))
  return passBack(c.env.exchange, await askNextTier(c, databaseTier))
}

async function write(c: ServiceContext, databaseTier: TierClient, body: string | undefined): Promise<Response> {
  const headers = headersOf(c, PRECONDITIONS)
  if (body !== undefined) Object.assign(headers, JSON_BODY)
  const { answer, keyHeader } = await askToWrite(c, databaseTier, { body, headers })
  return passBack(c.env.exchange, answer, keyHeader)
}

/** The report's `POST /save`, in the shape of its recorded answer (section 6.5). */
async function save(c: ServiceContext, databaseTier: TierClient, serverId: number, body: string): Promise<Response> {
  const { answer, keyHeader } = await askToWrite(c, databaseTier, { body, headers: JSON_BODY })
  if (answer.status !== 200) return passBack(c.env.exchange, answer, keyHeader)
  const value = { db_response: JSON.parse(answer.body.toString()) as unknown, server_id: serverId, status: 'success' }
  return c.env.exchange.json(200, value, { ...keyHeader, ...headersPassedBack(answer.headers) })
}

const JSON_BODY = { 'content-type': 'application/json' }

/** The body, validated, in its normal form: what crosses the tier is ours, not the client's bytes. */
async function readRecord(c: ServiceContext): Promise<string> {
  return JSON.stringify({ message: parseRecordInput(await readJson(c)) })
}
