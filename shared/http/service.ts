/**
 * What every service of every tier does around its routes: identity, admission, errors, health, metrics, logs.
 *
 *   request ─▶ admission ─▶ Hono routes ─▶ Exchange.answer ─▶ log line, metrics
 *                  └ 503 overloaded        └ Problem → problem+json, or a page for a browser
 *
 * This stands around Hono's `fetch` and not in Hono middleware: with a single handler on a route Hono calls it
 * directly, and no answer has its headers touched twice. A service is tested with `service.request()`, without a port.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hono, type Context } from 'hono'
import type { Log } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import { RequestLog } from '../observe/request-log.ts'
import type { Client, ClientWaiter } from './connections.ts'
import { Exchange } from './exchange.ts'
import type { InjectedFaults } from './injected-faults.ts'
import { Problem } from './problem.ts'
import { REQUEST_ID } from './headers.ts'

export interface ServiceEnv {
  Bindings: {
    exchange: Exchange
    stage: string
    incoming?: IncomingMessage
    outgoing?: ServerResponse
    client?: Client | undefined
    refusal?: Problem
  }
}
export type ServiceContext = Context<ServiceEnv>

export interface ServiceOptions {
  readonly stage: string
  readonly name: string
  readonly log: Log
  readonly inFlightMax?: number
  /** Of the large answers that clients are taking; a read whose answer would be above that is answered 503 `overloaded`. */
  readonly untakenBytesMax?: number
  /** What the lab asks of this instance to be seen failing. */
  readonly faults?: InjectedFaults
  /** `undefined` when the service can do its work, otherwise the reason in a few words; asked by `GET /readyz`. */
  readonly notReadyBecause?: () => string | undefined | Promise<string | undefined>
}

const URL_BYTES_MAX = 8 * 1024
/** What is at least this large stays here, whole, for as long as its client takes it; less fits the buffers of the system and of Nginx. */
const LARGE_ANSWER_BYTES_MIN = 64 * 1024
const UNTAKEN_BYTES_MAX = 128 * 1024 * 1024
/** As in Nginx's logs: a value that does not exist. */
const NOT_READ = '-'
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const HEALTH_PATHS = new Set(['/livez', '/readyz', '/metrics', '/primary', '/replica', '/api/replicate'])
/** The rest of what nodes ask each other. */
const NODE_TO_NODE = '/api/replicate/'

export class Service {
  readonly app = new Hono<ServiceEnv>()
  readonly metrics: Metrics
  readonly options: ServiceOptions
  /** A tier that people look at shows them its errors as pages; `undefined` leaves the answer a problem document. */
  problemPage: ((c: ServiceContext, problem: Problem) => Promise<Response> | undefined) | undefined
  /** Answers every request with `refusal`: without the routes, which must not see it; through Hono, because a page needs a context. */
  readonly #refusals = new Hono<ServiceEnv>()
  readonly #requestLog: RequestLog
  readonly #logsAll: boolean
  readonly #logsWarnings: boolean
  #inFlight = 0
  #untakenBytes = 0
  #draining = false
  readonly #isDraining = (): boolean => this.#draining

  constructor(options: ServiceOptions) {
    this.options = options
    this.metrics = new Metrics(options.stage, options.name, () => this.#inFlight)
    this.#requestLog = new RequestLog(options.log, options.stage, options.name)
    this.#logsAll = options.log.isLevelEnabled('info')
    this.#logsWarnings = options.log.isLevelEnabled('warn')
    this.app.get('/livez', (c) => c.env.exchange.json(200, { status: 'ok', name: options.name }))
    this.app.get('/readyz', (c) => this.#readyz(c))
    this.app.get('/metrics', async (c) =>
      c.env.exchange.answer(200, await this.metrics.text(), { 'content-type': this.metrics.registry.contentType }),
    )
    if (options.faults) this.#showFaults(options.faults)
    this.app.notFound((c) => this.#notFound(c))
    this.app.onError((error, c) => this.#failed(c, error))
    this.#refusals.notFound((c) => this.#answerProblem(c, c.env.refusal!))
    this.#refusals.onError((error) => {
      throw error
    })
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** From now on every answer asks its connection to be closed, and `/readyz` answers 503. */
  drain(): void {
    this.#draining = true
  }

  /** Hands on the log lines that are still held back. */
  flushLog(): void {
    this.#requestLog.flush()
  }

  /** The handler that a server, or a test, calls. Never rejects. */
  readonly fetch = async (request: Request, bindings: Partial<ServiceEnv['Bindings']> = {}): Promise<Response> => {
    const { name, stage, inFlightMax = 4096, faults } = this.options
    const exchange = new Exchange(name, askedId(request, bindings.incoming), this.#isDraining)
    const env = { ...bindings, exchange, stage }
    const pathStart = request.url.indexOf('/', 8)
    const queryStart = request.url.indexOf('?', pathStart)
    const path = request.url.slice(pathStart, queryStart === -1 ? undefined : queryStart)
    const isHealth = HEALTH_PATHS.has(path) || path.startsWith(NODE_TO_NODE)
    if (bindings.client !== undefined) bindings.client.exchange = exchange

    this.#inFlight++
    let response: Response
    try {
      if (request.url.length - pathStart > URL_BYTES_MAX) response = await this.#refuse(request, env, new Problem('uri-too-long'))
      else if (this.#inFlight > inFlightMax && !isHealth) response = await this.#refuse(request, env, overloaded(inFlightMax))
      else {
        if (faults !== undefined && faults.answerDelayMs > 0 && !isHealth) await held(faults.answerDelayMs)
        response = await this.app.fetch(request, env)
        // Of reads only: a write has been made, and its answer says so.
        if (request.method === 'GET' && !isHealth && !this.#hasRoomFor(exchange.bodyLength, bindings))
          response = await this.#refuse(request, env, untaken())
      }
    } catch (error) {
      response = exchange.problem(this.#problemOf(error, exchange))
    } finally {
      this.#inFlight--
    }
    this.#observe(request.method, path, isHealth, exchange.brokenOffStatus ?? response.status, exchange)
    return response
  }

  /** A request that was answered before any route could see it, `incoming` if it could be read: logged and counted like the others. */
  refused(exchange: Exchange, status: number, incoming?: IncomingMessage): void {
    const { method = NOT_READ, url = NOT_READ } = incoming ?? {}
    this.#observe(method, url.split('?', 1)[0]!, false, status, exchange)
  }

  /** For tests: asks the routes without a port. */
  request(path: string, init: RequestInit = {}): Promise<Response> {
    return this.fetch(new Request(new URL(path, 'http://service.test'), init))
  }

  /** Whether there is room for one more answer; a large one is counted until it has been taken or its client has gone. */
  #hasRoomFor(bytes: number, { outgoing, client }: Partial<ServiceEnv['Bindings']>): boolean {
    if (bytes < LARGE_ANSWER_BYTES_MIN || outgoing === undefined || client === undefined || client.isGone) return true
    const { untakenBytesMax = UNTAKEN_BYTES_MAX } = this.options
    if (this.#untakenBytes + bytes > untakenBytesMax) return false
    this.#untakenBytes += bytes
    const answer: ClientWaiter = { clientGone: () => isOver() }
    const isOver = (): void => {
      if (client.waiters.delete(answer)) this.#untakenBytes -= bytes
    }
    client.waiters.add(answer)
    outgoing.once('close', isOver)
    return true
  }

  #showFaults(faults: InjectedFaults): void {
    const { metrics } = this
    metrics.gauge('relais_fault_answer_delay_seconds', 'How long the lab has each request held back.', () => faults.answerDelayMs / 1000)
    metrics.gauge(
      'relais_fault_replication_delay_seconds',
      'How long the lab has replication held back.',
      () => faults.replicationDelayMs / 1000,
    )
  }

  #observe(method: string, path: string, isHealth: boolean, status: number, exchange: Exchange): void {
    const durationMs = exchange.elapsedMs()
    this.metrics.requests.observe(method, routeOf(path), status, durationMs)
    if (isHealth || !(status >= 500 ? this.#logsWarnings : this.#logsAll)) return
    this.#requestLog.write({ requestId: exchange.requestId, method, path, status, durationMs, servedBy: exchange.servedBy })
  }

  async #readyz(c: ServiceContext): Promise<Response> {
    const reason = this.#draining ? 'stopping' : await this.options.notReadyBecause?.()
    if (reason === undefined) return c.env.exchange.json(200, { status: 'ready', name: this.options.name })
    return c.env.exchange.problem(new Problem('not-ready', { detail: reason }))
  }

  #notFound(c: ServiceContext): Response | Promise<Response> {
    const allowed = METHODS.filter((method) => this.app.router.match(method, c.req.path)[0].length > 0)
    if (allowed.length === 0) return this.#answerProblem(c, new Problem('not-found', { detail: `there is no ${c.req.path}` }))
    if (allowed.includes('GET') && !allowed.includes('HEAD')) allowed.splice(1, 0, 'HEAD')
    return this.#answerProblem(c, methodNotAllowed(c.req.method, allowed))
  }

  #failed(c: ServiceContext, error: unknown): Response | Promise<Response> {
    return this.#answerProblem(c, this.#problemOf(error, c.env.exchange))
  }

  #refuse(request: Request, env: ServiceEnv['Bindings'], refusal: Problem): Response | Promise<Response> {
    return this.problemPage ? this.#refusals.fetch(request, { ...env, refusal }) : env.exchange.problem(refusal)
  }

  #answerProblem(c: ServiceContext, problem: Problem): Response | Promise<Response> {
    if (this.problemPage === undefined) return c.env.exchange.problem(problem)
    return this.problemPage(c, problem) ?? c.env.exchange.problem(problem, { vary: 'Accept' })
  }

  #problemOf(error: unknown, exchange: Exchange): Problem {
    if (error instanceof Problem) return error
    this.options.log.error({ requestId: exchange.requestId, err: error }, 'a request met a defect')
    return new Problem('internal-error')
  }
}

/**
 * A request header by its name in lower case. From Node's own parsed headers where there are any: going through `Headers`
 * validates and folds each name again, eight times a request in a tier that passes on.
 */
export function headerOf(c: ServiceContext, name: string): string | undefined {
  const headers = c.env.incoming?.headers
  if (!headers) return c.req.header(name)
  const value = headers[name]
  return typeof value === 'string' ? value : value?.join(', ')
}

function held(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}

function methodNotAllowed(method: string, allowed: readonly string[]): Problem {
  const list = allowed.join(', ')
  return new Problem('method-not-allowed', { detail: `found ${method}, expected one of ${list}`, headers: { Allow: list } })
}

function overloaded(inFlightMax: number): Problem {
  return new Problem('overloaded', { detail: `this instance already works on ${inFlightMax} requests` })
}

function untaken(): Problem {
  return new Problem('overloaded', { detail: 'this answer is large, and too many such still wait to be taken by their clients' })
}

function askedId(request: Request, incoming: IncomingMessage | undefined): string | undefined {
  const value = incoming ? incoming.headers[REQUEST_ID] : request.headers.get(REQUEST_ID)
  return typeof value === 'string' ? value : undefined
}

const ROUTES = new Set([
  '/',
  '/assets/style.css',
  '/assets/favicon.svg',
  '/data',
  '/save',
  '/submit',
  '/records',
  '/api/data',
  '/api/replication',
  '/visits/memory',
  '/visits/external',
  '/visits/client',
  ...HEALTH_PATHS,
])

/** A bounded set of label values: whatever clients ask for, the metrics do not grow. */
function routeOf(path: string): string {
  if (ROUTES.has(path)) return path
  return path.startsWith('/api/data/') ? '/api/data/:id' : 'other'
}
