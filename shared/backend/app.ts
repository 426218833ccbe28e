/**
 * The backend tier: validates, names each write once, and passes on to the database tier.
 *
 *   backend-lb ─▶ validate ─▶ Idempotency-Key ─▶ db-lb ─▶ answer in the shape asked for (REST, or the report's)
 *
 * Every write leaves with an idempotency key, its client's or one made here, and every answer shows it: after a timeout
 * the client can repeat the same write under the same key and it has one effect.
 */
import { randomUUID } from 'node:crypto'
import { headerOf, type Service, type ServiceContext } from '../http/service.ts'
import { IDEMPOTENCY_KEY, SESSION_TOKEN } from '../http/headers.ts'
import { askNextTier, headersPassedBack, passBack } from '../http/pass-on.ts'
import { Problem } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { parseId, parseIdempotencyKey, parsePageQuery, parseRecordInput, parseSessionToken } from '../http/record-input.ts'
import { instanceNumber } from '../http/settings.ts'
import type { TierAnswer, TierClient } from '../http/tier-client.ts'

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
  app.delete('/api/data/:id', (c) => {
    parseId(c.req.param('id'))
    return write(c, databaseTier, undefined)
  })
  app.post('/save', async (c) => save(c, databaseTier, serverId, await readRecord(c)))
}

async function read(c: ServiceContext, databaseTier: TierClient): Promise<Response> {
  parseSessionToken(headerOf(c, SESSION_TOKEN))
  return passBack(c.env.exchange, await askNextTier(c, databaseTier))
}

async function write(c: ServiceContext, databaseTier: TierClient, body: string | undefined): Promise<Response> {
  const { answer, key } = await askToWrite(c, databaseTier, body)
  return passBack(c.env.exchange, answer, { [IDEMPOTENCY_KEY]: key })
}

/** The report's `POST /save`, in the shape of its recorded answer (section 6.5). */
async function save(c: ServiceContext, databaseTier: TierClient, serverId: number, body: string): Promise<Response> {
  const { answer, key } = await askToWrite(c, databaseTier, body)
  const headers = { [IDEMPOTENCY_KEY]: key }
  if (answer.status !== 200) return passBack(c.env.exchange, answer, headers)
  const value = { db_response: JSON.parse(answer.body.toString()) as unknown, server_id: serverId, status: 'success' }
  return c.env.exchange.json(200, value, { ...headers, ...headersPassedBack(answer.headers) })
}

async function askToWrite(
  c: ServiceContext,
  databaseTier: TierClient,
  body: string | undefined,
): Promise<{ answer: TierAnswer; key: string }> {
  const key = parseIdempotencyKey(headerOf(c, IDEMPOTENCY_KEY)) ?? randomUUID()
  const headers: Record<string, string> = { [IDEMPOTENCY_KEY]: key }
  if (body !== undefined) headers['content-type'] = 'application/json'
  try {
    return { answer: await askNextTier(c, databaseTier, { body, headers }), key }
  } catch (error) {
    // The key must reach the client above all when the outcome is unknown: it is what makes the repeat safe.
    if (error instanceof Problem) error.headers[IDEMPOTENCY_KEY] = key
    throw error
  }
}

/** The body, validated, in its normal form: what crosses the tier is ours, not the client's bytes. */
async function readRecord(c: ServiceContext): Promise<string> {
  return JSON.stringify({ message: parseRecordInput(await readJson(c)) })
}
