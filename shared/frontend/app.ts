/**
 * The frontend tier: pages for people, and the API passed on for programs.
 *
 *   frontend-lb ─▶ /api/*, /save, /data ─▶ backend-lb, byte for byte
 *               └▶ /, /submit, /records ─▶ backend-lb ─▶ a page
 *
 * A frontend decides nothing about the data: what is valid, and what happened, is the backend's word. It keeps nothing
 * either, so any frontend can answer any request of the same visitor; what happens otherwise, visits.ts shows on purpose.
 */
import { askToWrite } from '../http/keyed-write.ts'
import { readBody } from '../http/read-body.ts'
import { PRECONDITIONS } from '../http/headers.ts'
import { askNextTier, headersOf, passBack } from '../http/pass-on.ts'
import type { Service, ServiceContext } from '../http/service.ts'
import type { TierClient } from '../http/tier-client.ts'
import { mountPages, prefersHtml, showNewestRecords } from './page-routes.ts'
import { mountVisits } from './visits.ts'

/** `single` is what the pages say of the system around them: one instance a tier and no load balancer. */
export function mountFrontend(service: Service, backendTier: TierClient, single = false): void {
  const { app } = service
  const read = (c: ServiceContext): Promise<Response> => passOnRead(c, backendTier)
  const write = (c: ServiceContext): Promise<Response> => passOnWrite(c, backendTier)

  app.get('/api/data', read)
  app.get('/api/data/:id', read)
  app.get('/api/replication', read)
  app.post('/api/data', write)
  app.put('/api/data/:id', write)
  app.delete('/api/data/:id', write)
  app.post('/save', write)
  // The report has this path twice: as JSON at the lower tiers, as a page here.
  app.get('/data', (c) => (prefersHtml(c) ? showNewestRecords(c, { backendTier, single }) : passOnRead(c, backendTier, { vary: 'Accept' })))
  mountPages(service, { backendTier, single })
  mountVisits(service, backendTier)
}

async function passOnRead(c: ServiceContext, backendTier: TierClient, headers: Record<string, string> = {}): Promise<Response> {
  return passBack(c.env.exchange, await askNextTier(c, backendTier), headers)
}

/** What the body is, and under which conditions it is to be written, travels with it: those behind judge both. */
async function passOnWrite(c: ServiceContext, backendTier: TierClient): Promise<Response> {
  const headers = headersOf(c, WRITE_HEADERS)
  const body = await readBody(c)
  const { answer, keyHeader } = await askToWrite(c, backendTier, { headers, body: body.length > 0 ? body : undefined })
  return passBack(c.env.exchange, answer, keyHeader)
}

const WRITE_HEADERS = ['content-type', 'content-encoding', ...PRECONDITIONS]
