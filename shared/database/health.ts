/**
 * Health as Patroni names it: `/primary` and `/replica?lag=` answer 200 on the node that is one, 503 elsewhere.
 *
 * "Up" means more than "answers": a replica that lost its primary still serves reads, and would pass any check that only
 * asks whether it lives. So `/replica` is 200 only while the replica follows its primary, and within the lag asked for.
 * With fan-out a replica cannot know: it hears of single writes only, so it always says that it streams, and its lag is unknown.
 * Source: Patroni's REST API documentation, "Health check endpoints".
 */
import type { Service, ServiceContext } from '../http/service.ts'
import { Problem } from '../http/problem.ts'
import type { Store } from '../store/store.ts'

export function mountHealth(service: Service, store: Store): void {
  service.app.get('/primary', (c) => primary(c, store, service.options.name))
  service.app.get('/replica', (c) => replica(c, store, service.options.name))
}

/** Configured as the primary is not enough: without its server, or its list, it takes no write. */
async function primary(c: ServiceContext, store: Store, name: string): Promise<Response> {
  if (store.role !== 'primary') throw notReady('this node is a replica')
  const reason = await store.notReadyBecause()
  if (reason !== undefined) throw notReady(reason)
  return c.env.exchange.json(200, { role: 'primary', name })
}

async function replica(c: ServiceContext, store: Store, name: string): Promise<Response> {
  const lagMax = parseLag(c.req.query('lag'))
  const { role, upstream, position } = await store.replication()
  if (role !== 'replica' || !upstream) throw notReady('this node is the primary')
  if (upstream.state !== 'streaming') throw notReady(`the link to the primary is ${upstream.state}`)
  // Bytes where the store counts bytes, records otherwise.
  const lag = upstream.lagBytes ?? upstream.lagRecords
  if (lagMax !== undefined && (lag === null || lag > lagMax)) throw notReady(`the lag is ${lag ?? 'unknown'}, expected at most ${lagMax}`)
  return c.env.exchange.json(200, { role, name, position, lag })
}

/** Bytes in stage 2, with `kB`, `MB` or `GB` behind the number if wished; records in stage 1. */
function parseLag(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const match = /^(\d{1,12})(kB|MB|GB)?$/.exec(text)
  if (match) return Number(match[1]) * LAG_UNITS[(match[2] ?? '') as keyof typeof LAG_UNITS]
  throw new Problem('invalid-parameter', { detail: `lag is ${JSON.stringify(text.slice(0, 40))}, expected a number, like 100 or 16MB` })
}

const LAG_UNITS = { '': 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

function notReady(detail: string): Problem {
  return new Problem('not-ready', { detail })
}
