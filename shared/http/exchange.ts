/**
 * One request and its answer in one service: who asked, which way it took, how long each tier spent.
 *
 *   client ── X-Request-ID ──▶ frontend2 ──▶ backend1 ──▶ db3
 *   client ◀── X-Served-By: frontend2, backend1, db3 · Server-Timing: frontend2;dur=1.9, backend1;dur=1.2, db3;dur=0.1
 *
 * All headers of an answer are put together here, once: a `Response` whose headers are changed afterwards loses the
 * adapter's fast path, which costs a third of a pass-through tier's throughput.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { REQUEST_ID, SERVED_BY, SERVER_TIMING } from './headers.ts'
import { PROBLEM_CONTENT_TYPE, type Problem } from './problem.ts'

export class Exchange {
  readonly name: string
  readonly requestId: string
  /** Of the body of the answer, as it was made last: bytes; of a string that cannot be large, UTF-16 units. */
  bodyLength = 0
  /** What the client was told by hand, and not by the route's answer, when its request broke off within the body. */
  brokenOffStatus: number | undefined = undefined
  readonly #startedAtMs: number
  #servedBy: string
  #timings = ''
  readonly #isClosing: () => boolean

  /** `name` is this instance's; `askedId` the client's `X-Request-ID`, if any; `isClosing`, asked with the answer, makes it ask the peer to reconnect. */
  constructor(name: string, askedId: string | undefined, isClosing: () => boolean = NEVER) {
    this.name = name
    this.requestId = askedId !== undefined && REQUEST_ID_FORM.test(askedId) ? askedId : randomUUID()
    this.#servedBy = name
    this.#startedAtMs = performance.now()
    this.#isClosing = isClosing
  }

  /** Takes over what the next tier said about the rest of the way. */
  passedThrough(headers: IncomingHttpHeaders): void {
    const servedBy = headers[SERVED_BY]
    const timings = headers[SERVER_TIMING]
    if (typeof servedBy === 'string') this.#servedBy = `${this.name}, ${servedBy}`
    if (timings) this.#timings = `, ${String(timings)}`
  }

  /** The way so far, this instance first. */
  get servedBy(): string {
    return this.#servedBy
  }

  /** `Server-Timing` as it stands. */
  get serverTiming(): string {
    return `${this.name};dur=${this.elapsedMs().toFixed(2)}${this.#timings}`
  }

  elapsedMs(): number {
    return performance.now() - this.#startedAtMs
  }

  /**
   * Nothing is kept by a cache on the way unless they say so: one that may guess would keep a record,
   * or its absence, past the next write (RFC 9111, section 4.2.2). (!) `cache-control` among `headers` is looked for in lower case.
   */
  answer(status: number, body: string | Uint8Array<ArrayBuffer> | null, headers: Record<string, string>): Response {
    headers['cache-control'] ??= 'no-store'
    return this.#respond(status, body, headers)
  }

  /**
   * Hands the request over to another location of the load balancer that asked. (!) Without `Cache-Control`: Nginx adds that of this answer,
   * which it drops, to the one that it gives in the end, and there would be two.
   */
  handOver(location: string): Response {
    // Without a body: Nginx drops the connection of an answer whose body it does not want.
    return this.#respond(503, null, { 'x-accel-redirect': location, 'content-length': '0' })
  }

  json(status: number, value: unknown, headers: Record<string, string> = {}): Response {
    headers['content-type'] = 'application/json'
    return this.answer(status, JSON.stringify(value), headers)
  }

  problem(problem: Problem, headers: Record<string, string> = {}): Response {
    const all = { ...headers, ...problem.headers, 'content-type': PROBLEM_CONTENT_TYPE }
    return this.answer(problem.status, JSON.stringify(problem.toDocument(this.requestId)), all)
  }

  #respond(status: number, body: string | Uint8Array<ArrayBuffer> | null, headers: Record<string, string>): Response {
    headers[REQUEST_ID] = this.requestId
    headers[SERVED_BY] = this.#servedBy
    headers[SERVER_TIMING] = this.serverTiming
    if (this.#isClosing()) headers['connection'] = 'close'
    this.bodyLength = typeof body === 'string' && body.length > SHORT_UNITS_MAX ? Buffer.byteLength(body) : (body?.length ?? 0)
    return new Response(body, { status, headers })
  }
}

/** At most three bytes each: below what anybody counts, and not worth the count of its bytes. */
const SHORT_UNITS_MAX = 16 * 1024
const NEVER = (): boolean => false
const REQUEST_ID_FORM = /^[A-Za-z0-9._-]{1,64}$/
