/**
 * Requests to what has just been started, which nobody counts.
 *
 * Node compiles what runs often; within a small share of a core that takes the first thousands of requests, and one that meets the
 * compiler may wait for more than the second that db-lb gives it. Without this the first repetition of every test would measure the
 * compiler, and its neighbours would not.
 */
import { Pool } from 'undici'
import type { LoadOptions } from '../load/load-run.ts'
import { runLoad } from '../load/run-load.ts'
import { pageShape } from '../load/record-shape.ts'
import { WriteLedger } from '../load/write-ledger.ts'
import { WRITE_SHARE } from './protocol.ts'

/** Requests for each instance of a tier after a start, by what the cluster is. */
export interface BreakInRequests {
  readonly chain: number
  /** Many more: the pairs of the capacity experiment follow each other at once, and their ratios grew over them after fewer. */
  readonly databases: number
}

/** After fewer the first tests still grow faster one after the other; a quick bench has no time for that. */
export const BREAK_IN: BreakInRequests = { chain: 12_000, databases: 60_000 }
export const QUICK_BREAK_IN: BreakInRequests = { chain: 3_000, databases: 10_000 }
const HELD_REQUESTS = 1_500
const HELD_CONNECTIONS = 100
/** So many that every tier has opened its connections to the next one. */
const CONNECTIONS = 300
/** More than the 64 reads and 64 writes of tier-client.ts, and a third of the thousand clients that the heaviest load has. */
const CONNECTIONS_PER_INSTANCE = 350
const TURNS = 2
const DELETES_AT_ONCE = 50
const CLEARING_MS_MAX = 20_000

export interface BrokenIn {
  readonly entryUrl: string
  /** The primary's first. */
  readonly databaseUrls: readonly string[]
}

/** The whole way, so many requests for each instance of a tier, after a cluster was started. What it writes is for the next reset to remove. */
export async function breakIn({ entryUrl, databaseUrls }: BrokenIn, requestsEach: number, signal: AbortSignal): Promise<void> {
  const requests = requestsEach * databaseUrls.length
  await load({ entryUrl, requests, connections: CONNECTIONS, writeShare: WRITE_SHARE }, signal)
}

/** The same within the shares: the first requests that meet them are slower than all that follow. */
export async function breakInHeld({ entryUrl }: BrokenIn, signal: AbortSignal): Promise<void> {
  await load({ entryUrl, requests: HELD_REQUESTS, connections: HELD_CONNECTIONS, writeShare: WRITE_SHARE }, signal)
}

/**
 * As many at once as a service sends to the next tier, so that every tier has its connections before a test. A Node server takes one
 * new connection in each turn of its event loop, and within an eighth of a core a turn under load is long: of the writes that needed a
 * new connection to a database, some waited there until db-lb gave them up, while later ones on old connections were answered at once.
 */
export async function openConnections({ entryUrl, databaseUrls }: BrokenIn, signal: AbortSignal): Promise<void> {
  const connections = CONNECTIONS_PER_INSTANCE * databaseUrls.length
  await load({ entryUrl, requests: connections * TURNS, connections, writeShare: 0.5 }, signal)
}

/** Through the database itself. What is there, not what was acknowledged: a write whose answer was lost is there too. */
export async function deleteAll(primaryUrl: string, signal: AbortSignal): Promise<void> {
  await deleteEverything(primaryUrl, AbortSignal.any([signal, AbortSignal.timeout(CLEARING_MS_MAX)]))
}

type Shape = Pick<LoadOptions, 'entryUrl' | 'requests' | 'connections' | 'writeShare'>

async function load(shape: Shape, signal: AbortSignal): Promise<void> {
  const closedLoop = { loop: 'closed', ratePerSecond: null, seed: 0 } as const
  await runLoad({ ...shape, ...closedLoop, ledger: new WriteLedger(), isWarmUp: true, signal })
}

async function deleteEverything(url: string, signal: AbortSignal): Promise<void> {
  const pool = new Pool(url, { connections: DELETES_AT_ONCE })
  try {
    for (;;) {
      signal.throwIfAborted()
      const page = await pool.request({ method: 'GET', path: `/api/data?limit=${DELETES_AT_ONCE}`, signal })
      const { records } = pageShape.parse(await page.body.json())
      if (records.length === 0) return
      await Promise.all(
        records.map(async ({ id }) => {
          const { body } = await pool.request({ method: 'DELETE', path: `/api/data/${id}`, signal })
          await body.dump()
        }),
      )
    }
  } finally {
    await pool.destroy()
  }
}
