/**
 * A fixed rate, whatever the system does: users do not wait for each other.
 *
 *   intended  0 ─── 1/rate ─── 2/rate ───…      a request that starts late is late for its user: latency counts from here
 *
 * Measuring from the moment of sending, or not sending while the system stalls, leaves out exactly the requests that a stall hurts
 * ("coordinated omission"; autocannon's own rates send each second's quota in a burst besides). What is in flight is bounded: a
 * request that finds no free slot is not sent, and is counted as lost, so the offered rate is never quietly lower than asked.
 *
 * A connection is opened when a request finds none free, as new users come, and that is in its latency; a closed loop opens all before.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool, type Dispatcher } from 'undici'
import type { LoadOptions, LoadRun } from './load-run.ts'
import { headersOf } from './request-plan.ts'
import { RunAccount, type BegunRequest } from './run-account.ts'

const NO_SLOT = 'not sent: no free slot'

export async function runOpenLoop(options: LoadOptions, ratePerSecond: number, timeoutMs: number): Promise<LoadRun> {
  await options.whenOpened?.()
  const pool = new Pool(options.entryUrl, { connections: options.connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  const account = new RunAccount(options)
  const inFlight = new Set<Exchange>()
  let isIdle: (() => void) | undefined
  const abort = (): void => {
    for (const exchange of inFlight) exchange.abort()
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  try {
    for (let sent = 0; !account.isOver;) {
      const due = Math.floor(((performance.now() - account.startedAtMs) / 1000) * ratePerSecond) + 1
      for (; sent < due && !account.isOver; sent++) {
        const begun = account.begin(account.startedAtMs + (sent * 1000) / ratePerSecond)
        if (begun) offer(begun)
      }
      await sleep(1)
    }
    if (inFlight.size > 0) await new Promise<void>((resolve) => (isIdle = resolve))
    return account.result()
  } finally {
    options.signal?.removeEventListener('abort', abort)
    await pool.destroy()
  }

  function offer(begun: BegunRequest): void {
    if (inFlight.size >= options.connections) {
      account.notSent(begun, NO_SLOT)
      return
    }
    const { request } = begun
    const body = request.write?.body ?? null
    const exchange = new Exchange(account, begun, timeoutMs, () => {
      inFlight.delete(exchange)
      if (inFlight.size === 0) isIdle?.()
    })
    inFlight.add(exchange)
    pool.dispatch({ method: request.method, path: request.path, headers: headersOf(request), body }, exchange)
  }
}

/** One request on its way. However it ends, it is noted once. Handlers instead of `request()`: a stream for each answer costs more than all checks. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #account: RunAccount
  readonly #begun: BegunRequest
  readonly #onEnd: () => void
  readonly #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #requestId: string | undefined
  #body = ''
  #decoder = new TextDecoder()
  #bytes = 0
  #isOver = false

  constructor(account: RunAccount, begun: BegunRequest, timeoutMs: number, onEnd: () => void) {
    this.#account = account
    this.#begun = begun
    this.#onEnd = onEnd
    const leftMs = Math.max(1, begun.startedAtMs + timeoutMs - performance.now())
    this.#timer = setTimeout(() => this.#giveUp('timedOut', 'timeout'), leftMs)
  }

  /** The run was stopped. */
  abort(): void {
    this.#giveUp('lost', 'aborted')
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(GIVEN_UP)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status
    const requestId = headers['x-request-id']
    this.#requestId = typeof requestId === 'string' ? requestId : undefined
    this.#bytes = headerBytes(headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    this.#body += this.#decoder.decode(chunk, { stream: true })
  }

  onResponseEnd(): void {
    if (!this.#finish()) return
    const answer = { status: this.#status, body: this.#body + this.#decoder.decode(), requestId: this.#requestId }
    this.#account.answered(this.#begun, answer, this.#bytes)
    this.#onEnd()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail('lost', codeOf(error))
  }

  #giveUp(outcome: 'timedOut' | 'lost', failure: string): void {
    this.#fail(outcome, failure)
    this.#controller?.abort(GIVEN_UP)
  }

  #fail(outcome: 'timedOut' | 'lost', failure: string): void {
    if (!this.#finish()) return
    this.#account.failed(this.#begun, outcome, failure)
    this.#onEnd()
  }

  #finish(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#timer)
    return true
  }
}

const GIVEN_UP = new Error('given up')

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** As they stood on the wire: "name: value" and the end of the line; the status line is about as long as the empty one. */
function headerBytes(headers: Headers): number {
  let bytes = 'HTTP/1.1 200 OK\r\n\r\n'.length
  for (const name in headers) bytes += name.length + ': \r\n'.length + String(headers[name]).length
  return bytes
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : String(error)
}
