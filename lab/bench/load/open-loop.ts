/**
 * A fixed rate, whatever the system does: users do not wait for each other.
 *
 *   intended  0 ─── 1/rate ─── 2/rate ───…      a request that starts late is late for its user: latency counts from here
 *
 * Measuring from the moment of sending, or not sending while the system stalls, leaves out exactly the requests that a stall hurts
 * ("coordinated omission"; autocannon's own rates send each second's quota in a burst besides). What is in flight is bounded: a
 * request that finds no free slot is not sent, and is counted as lost, so the offered rate is never quietly lower than asked.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool, type Dispatcher } from 'undici'
import type { LoadOptions, LoadRun } from './load-run.ts'
import { headersOf } from './request-plan.ts'
import { RunAccount, type BegunRequest } from './run-account.ts'

const NO_SLOT = 'not sent: no free slot'

export async function runOpenLoop(options: LoadOptions, ratePerSecond: number, timeoutMs: number): Promise<LoadRun> {
  const pool = new Pool(options.entryUrl, { connections: options.connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  const account = new RunAccount(options)
  const inFlight = new Set<Promise<void>>()
  try {
    for (let sent = 0; !account.isOver;) {
      const due = Math.floor(((performance.now() - account.startedAtMs) / 1000) * ratePerSecond) + 1
      for (; sent < due && !account.isOver; sent++) {
        const begun = account.begin(account.startedAtMs + (sent * 1000) / ratePerSecond)
        if (begun) offer(begun)
      }
      await sleep(1)
    }
    await Promise.all(inFlight)
    return account.result()
  } finally {
    await pool.destroy()
  }

  function offer(begun: BegunRequest): void {
    if (inFlight.size >= options.connections) {
      account.notSent(begun, NO_SLOT)
      return
    }
    const exchange = send(pool, account, begun, timeoutMs, options.signal).finally(() => inFlight.delete(exchange))
    inFlight.add(exchange)
  }
}

/** Never rejects: however it ends is noted. */
async function send(
  pool: Dispatcher,
  account: RunAccount,
  begun: BegunRequest,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { request } = begun
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort('timeout'), Math.max(0, begun.startedAtMs + timeoutMs - performance.now()))
  const abort = (): void => deadline.abort('aborted')
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const answer = await pool.request({
      method: request.method,
      path: request.path,
      headers: headersOf(request),
      body: request.write?.body ?? null,
      signal: deadline.signal,
    })
    const body = await answer.body.text()
    const requestId = answer.headers['x-request-id']
    const bytes = Buffer.byteLength(body) + headerBytes(answer.headers)
    account.answered(begun, { status: answer.statusCode, body, requestId: typeof requestId === 'string' ? requestId : undefined }, bytes)
  } catch (error) {
    if (deadline.signal.aborted && deadline.signal.reason === 'timeout') account.failed(begun, 'timedOut', 'timeout')
    else account.failed(begun, 'lost', deadline.signal.aborted ? 'aborted' : codeOf(error))
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** As they stood on the wire: "name: value" and the end of the line; the status line is about as long as the empty one. */
function headerBytes(headers: Readonly<Record<string, string | string[] | undefined>>): number {
  let bytes = 'HTTP/1.1 200 OK\r\n\r\n'.length
  for (const [name, value] of Object.entries(headers)) bytes += name.length + ': \r\n'.length + String(value).length
  return bytes
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : String(error)
}
