/**
 * Sends requests to one URL and keeps for each what became of it: the status, how long it took, which instances it went through.
 *
 * Closed loop: each connection sends its next request when it has an answer, so a slow server is asked less. With `ratePerS` requests
 * are due at fixed times, and a wait for a free connection counts: a time measured from the sending would leave out
 * exactly the requests that a stall kept from being sent (coordinated omission).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

export interface Load {
  /** `{n}` in it stands for the number of the request: who asks the same thing together may be given one answer. */
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly requests: number
  readonly connections: number
  /** `null`: as fast as the answers come. */
  readonly ratePerS: number | null
  /** No request begins later than this after the first; `null`: however long it takes. */
  readonly lastsMs?: number | null
}

export interface Sample {
  /** `null`: no answer. */
  readonly status: number | null
  readonly durationMs: number
  /** "frontend2, backend1, db3", of the answer; empty when it has none. */
  readonly servedBy: string
  /** The connection closed before anything came, and the request was sent once more. */
  readonly isSecondTry: boolean
}

const DEADLINE_MS = 20_000

/** Resolves when each request has its answer or its error; `signal` ends it early, with what there is. */
export async function sendLoad(load: Load, signal: AbortSignal): Promise<Sample[]> {
  const pool = new Pool(new URL(load.url).origin, {
    connections: load.connections,
    pipelining: 1,
    headersTimeout: DEADLINE_MS,
    bodyTimeout: DEADLINE_MS,
  })
  const samples: Sample[] = []
  const startedAtMs = performance.now()
  const endsAtMs = startedAtMs + (load.lastsMs ?? Infinity)
  let next = 0
  const send = async (): Promise<void> => {
    while (next < load.requests && !signal.aborted) {
      const dueAtMs = load.ratePerS === null ? performance.now() : startedAtMs + (next * 1000) / load.ratePerS
      if (dueAtMs >= endsAtMs) return
      const path = pathOf(load.url, ++next)
      const waitMs = dueAtMs - performance.now()
      if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      samples.push(await sendOne(pool, path, load, dueAtMs))
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(load.connections, load.requests) }, send))
  } finally {
    await pool.destroy()
  }
  return samples
}

function pathOf(url: string, number: number): string {
  const { pathname, search } = new URL(url.replaceAll('{n}', String(number)))
  return pathname + search
}

/**
 * As browsers and curl do: a GET whose kept connection turned out to be closed goes out once more, on another one. A server may close a
 * connection that is idle at any time, and a load balancer that reloads does (RFC 9112, section 9.3.1).
 */
async function sendOne(pool: Pool, path: string, load: Load, dueAtMs: number): Promise<Sample> {
  const first = await tryOnce(pool, path, load, dueAtMs)
  if (first !== 'connection closed') return { ...first, isSecondTry: false }
  const second = load.method === 'GET' ? await tryOnce(pool, path, load, dueAtMs) : first
  if (second !== 'connection closed') return { ...second, isSecondTry: true }
  return { status: null, durationMs: performance.now() - dueAtMs, servedBy: '', isSecondTry: load.method === 'GET' }
}

type Tried = Omit<Sample, 'isSecondTry'>

async function tryOnce(pool: Pool, path: string, { method, headers, body }: Load, dueAtMs: number): Promise<Tried | 'connection closed'> {
  let hasBegun = false
  try {
    const answer = await pool.request({ method, path, headers, body, signal: AbortSignal.timeout(DEADLINE_MS) })
    hasBegun = true
    // To its last byte, and none that is cut counts: `dump()` would call both done.
    await answer.body.bytes()
    const servedBy = answer.headers['x-served-by']
    const way = typeof servedBy === 'string' ? servedBy : ''
    return { status: answer.statusCode, durationMs: performance.now() - dueAtMs, servedBy: way }
  } catch (error) {
    if (!hasBegun && CLOSED.has((error as NodeJS.ErrnoException).code ?? '')) return 'connection closed'
    return { status: null, durationMs: performance.now() - dueAtMs, servedBy: '' }
  }
}

const CLOSED = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])
