/**
 * After a run: is every acknowledged write in every database, once?
 *
 * Each database is asked itself, page by page: through a load balancer one replica would answer for another. A write without an answer
 * may be there or not, but not twice.
 */
import { Pool, type Dispatcher } from 'undici'
import type { WriteChecks } from '../results/bench-record.ts'
import { pageShape } from './record-shape.ts'
import type { WriteLedger } from './write-ledger.ts'

const PAGE_LIMIT = 1_000
const ASK_MS_MAX = 20_000

/** Call it after the replicas have caught up. Rejects when a database cannot be read. */
export async function checkWrites(ledger: WriteLedger, databaseUrls: readonly string[], signal?: AbortSignal): Promise<WriteChecks> {
  const contents = await Promise.all(databaseUrls.map((url) => idsByMessage(url, ledger, signal)))
  let [acknowledged, missing, repeated, unacknowledgedPresent] = [0, 0, 0, 0]
  for (const [message, { id, isWarmUp }] of ledger.entries) {
    const found = contents.map((content) => content.get(message) ?? [])
    if (found.some((ids) => ids.length > 1)) repeated++
    if (id === undefined && found.some((ids) => ids.length > 0)) unacknowledgedPresent++
    if (id !== undefined && found.some((ids) => !ids.includes(id))) missing++
    if (id !== undefined && !isWarmUp) acknowledged++
  }
  return { acknowledged, missing, repeated, unacknowledgedPresent }
}

/** Everything that one database has of this repetition. */
async function idsByMessage(url: string, ledger: WriteLedger, signal: AbortSignal | undefined): Promise<Map<string, number[]>> {
  const pool = new Pool(url, { connections: 1 })
  const found = new Map<string, number[]>()
  try {
    for (let path = `/api/data?limit=${PAGE_LIMIT}`; ;) {
      const { records, next } = await readPage(pool, url, path, signal)
      for (const { id, message } of records) {
        if (id > ledger.newestIdBefore) found.set(message, [...(found.get(message) ?? []), id])
      }
      if (next === null || next <= ledger.newestIdBefore) return found
      path = `/api/data?limit=${PAGE_LIMIT}&before=${next}`
    }
  } finally {
    await pool.destroy()
  }
}

async function readPage(pool: Dispatcher, url: string, path: string, signal: AbortSignal | undefined) {
  const deadline = AbortSignal.any([AbortSignal.timeout(ASK_MS_MAX), ...(signal ? [signal] : [])])
  const answer = await pool.request({ method: 'GET', path, signal: deadline })
  const text = await answer.body.text()
  const page = answer.statusCode === 200 ? pageShape.safeParse(JSON.parse(text)) : undefined
  if (page?.success) return page.data
  throw new Error(`Failed to read ${url}${path}: found ${answer.statusCode} ${text.slice(0, 200)}, expected a page of records.`)
}
