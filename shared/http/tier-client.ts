/**
 * The call to the next tier: keep-alive connections, one deadline, and an honest account of what is known on failure.
 *
 *   frontend ─▶ TierClient ─▶ backend-lb          backend ─▶ TierClient ─▶ db-lb
 *
 * Reads and writes have connections of their own, a few of each (decision 0036): what is too much for the next tier waits here, where
 * deadlines are longest, and writes that wait for a slow primary hold no read's place. Who has gone away holds none either, and nothing
 * of what it sent is kept (decision 0046, bounded-pool.ts).
 *
 * Nothing is tried again here. The load balancer of the tier that failed tries a read at other instances; if this client tried
 * again too, each tier would multiply the tries of the next: twice at each of three tiers are eight.
 *
 * It speaks undici's dispatch protocol instead of `request()` for two reasons: an answer arrives as one buffer without
 * a stream object for each, and `onRequestStart` tells whether the request had been given to a connection: the
 * difference between "certainly not done" and "unknown".
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { BoundedPool, type PooledCall } from './bounded-pool.ts'
import type { Client, ClientWaiter } from './connections.ts'
import { Problem } from './problem.ts'

export interface TierRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: string | Uint8Array | undefined
  /** Our own client. When it goes, nobody waits any more: a read is given up, and a write that is not sent yet stays so. */
  readonly client?: Client | undefined
}

export interface TierAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer<ArrayBuffer>
}

export interface TierClientOptions {
  /** From the call to the last byte of the answer. */
  readonly deadlineMs: number
  /** For reads, and as many again for writes. */
  readonly connectionsMax?: number
  /** A larger answer is refused: nothing here may grow without bound. */
  readonly answerBytesMax?: number
}

const CONNECT_TIMEOUT_MS = 1_000
/** Who has less left when a connection becomes free is not sent: no answer could come in time, and what was not sent is certain. */
const LEFT_MS_MIN = 10

export class TierClient {
  readonly #reads: BoundedPool
  readonly #writes: BoundedPool
  readonly #deadlineMs: number
  readonly #answerBytesMax: number

  constructor(baseUrl: string, { deadlineMs, connectionsMax = 64, answerBytesMax = 16 * 1024 * 1024 }: TierClientOptions) {
    this.#deadlineMs = deadlineMs
    this.#answerBytesMax = answerBytesMax
    const options = {
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      // The deadline below covers the whole call; undici's own timers would only add coarser ones.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    this.#reads = new BoundedPool(baseUrl, connectionsMax, options)
    this.#writes = new BoundedPool(baseUrl, connectionsMax, options)
  }

  /** Resolves to whatever was answered, errors included. Rejects with a `Problem` when nothing was. */
  call(request: TierRequest): Promise<TierAnswer> {
    if (request.client?.isGone) return Promise.reject(new Problem('client-gone'))
    return new Promise((resolve, reject) => {
      const { method, path, headers, body = null, client } = request
      const isRead = method === 'GET' || method === 'HEAD'
      const pool = isRead ? this.#reads : this.#writes
      const call = new TierCall({
        pool,
        request: { method, path, headers, body },
        isRead,
        bytesMax: this.#answerBytesMax,
        deadlineMs: this.#deadlineMs,
        waiters: client?.waiters,
        resolve,
        reject,
      })
      pool.add(call)
    })
  }

  async close(): Promise<void> {
    await Promise.all([this.#reads.close(), this.#writes.close()])
  }
}

interface TierCallOptions {
  readonly pool: BoundedPool
  readonly request: Dispatcher.DispatchOptions
  readonly isRead: boolean
  readonly bytesMax: number
  readonly deadlineMs: number
  readonly waiters: Set<ClientWaiter> | undefined
  readonly resolve: (answer: TierAnswer) => void
  readonly reject: (problem: Problem) => void
}

class TierCall implements PooledCall, ClientWaiter {
  readonly request: Dispatcher.DispatchOptions
  ahead: PooledCall | undefined
  behind: PooledCall | undefined
  readonly #pool: BoundedPool
  readonly #isRead: boolean
  readonly #bytesMax: number
  readonly #waiters: Set<ClientWaiter> | undefined
  readonly #resolve: (answer: TierAnswer) => void
  readonly #reject: (problem: Problem) => void
  readonly #timer: NodeJS.Timeout
  readonly #sendableUntilMs: number
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0
  #isOver = false

  constructor({ pool, request, isRead, bytesMax, deadlineMs, waiters, resolve, reject }: TierCallOptions) {
    this.request = request
    this.#pool = pool
    this.#isRead = isRead
    this.#bytesMax = bytesMax
    this.#waiters = waiters
    this.#resolve = resolve
    this.#reject = reject
    this.#sendableUntilMs = performance.now() + deadlineMs - LEFT_MS_MIN
    this.#timer = setTimeout(() => this.#timedOut(deadlineMs), deadlineMs)
    waiters?.add(this)
  }

  /** Its turn has come. undici drops a call that throws here and keeps the connection, which an abort would close. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (performance.now() > this.#sendableUntilMs) this.#tooLate()
    if (this.#isOver) throw ABORTED
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    this.#chunks.push(chunk)
    if (this.#bytes > this.#bytesMax) controller.abort(new Error(`the answer is larger than ${this.#bytesMax} bytes`))
  }

  onResponseEnd(): void {
    this.#pool.next()
    if (!this.#finish()) return
    const body = (this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)) as Buffer<ArrayBuffer>
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#pool.next()
    if (this.#controller === undefined) this.notSent(error)
    else if (this.#finish()) this.#reject(new Problem('upstream-cut', { cause: error, definite: this.#isRead }))
  }

  notSent(cause: Error): void {
    if (this.#finish()) this.#reject(new Problem('upstream-unavailable', { cause }))
  }

  #tooLate(): void {
    if (!this.#finish()) return
    this.#reject(new Problem('upstream-timeout', { detail: 'no connection to the next tier became free in time', definite: true }))
  }

  #timedOut(deadlineMs: number): void {
    if (!this.#finish()) return
    const detail = `no answer from the next tier within ${deadlineMs} ms`
    const wasSent = this.#controller !== undefined
    this.#reject(new Problem('upstream-timeout', { detail, definite: this.#isRead || !wasSent }))
    this.#controller?.abort(ABORTED)
  }

  clientGone(): void {
    // A write that was sent goes on: what becomes of it is still worth a line in the log.
    if (!this.#isRead && this.#controller !== undefined) return
    if (!this.#finish()) return
    this.#reject(new Problem('client-gone'))
    this.#controller?.abort(ABORTED)
  }

  #finish(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#waiters?.delete(this)
    if (this.#controller === undefined) this.#pool.takeOut(this)
    return true
  }
}

const ABORTED = new Error('the deadline has passed, or nobody waits any more')
