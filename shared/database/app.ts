/**
 * The database tier's HTTP routes over any `Store`; the same in both stages.
 *
 *   db-lb ─▶ [session token: is this node fresh enough?] ─▶ Store ─▶ answer with X-Session-Token
 *                └ no, or the store is away ─▶ X-Accel-Redirect ─▶ db-lb asks the primary, or a replica, instead
 *
 * The redirect is how a read moves on without the replica being counted as failed: an answered 5xx never makes Nginx
 * try another server here, and a replica that is a few milliseconds behind is not broken. Asked directly, without a load
 * balancer that offers to move the read, the replica says what is the matter: 503 `replica-behind`.
 */
import type { Counter } from 'prom-client'
import { headerOf, type Service, type ServiceContext } from '../http/service.ts'
import type { ErrorSlug } from '../http/errors.ts'
import { Problem } from '../http/problem.ts'
import { IDEMPOTENCY_KEY, MAY_MOVE, SESSION_TOKEN } from '../http/headers.ts'
import { readBody } from '../http/read-body.ts'
import { readJson } from '../http/read-json.ts'
import { parseId, parseIdempotencyKey, parsePageQuery, parseRecordInput, parseSessionToken } from '../http/record-input.ts'
import { instanceNumber } from '../http/settings.ts'
import { boundPage } from '../store/page-bound.ts'
import type { Position } from '../store/position.ts'
import { READ_MS_MAX, type PageQuery, type Store, type StoredRecord, type WriteOptions } from '../store/store.ts'
import { toJson, type RecordJson } from './record-json.ts'
import { mountHealth } from './health.ts'
import { unmetPrecondition } from './preconditions.ts'
import { countReplication } from './replication-metrics.ts'

export interface DatabaseOptions {
  /** How long a read waits for this replica to reach its session token before it is sent to the primary. */
  readonly tokenWaitMs?: number
  /** From the request's arrival to the answer of a write. Shorter than db-lb's timeout, so that the answer is ours. */
  readonly writeDeadlineMs?: number
}

/** What this node cannot serve now and another one may. */
const SERVED_ELSEWHERE: ReadonlySet<ErrorSlug> = new Set(['not-ready', 'replica-behind', 'store-unavailable'])

export function mountDatabase(service: Service, store: Store, options: DatabaseOptions = {}): void {
  new DatabaseRoutes(service, store, options).mount()
  mountHealth(service, store)
  countReplication(service.metrics, store)
}

class DatabaseRoutes {
  readonly #service: Service
  readonly #store: Store
  readonly #tokenWaitMs: number
  readonly #writeDeadlineMs: number
  /** "DB2", as the report's answers name the instance. */
  readonly #server: string
  readonly #number: number
  readonly #refusedWrites: Counter

  constructor(service: Service, store: Store, { tokenWaitMs = 100, writeDeadlineMs = 2_000 }: DatabaseOptions) {
    this.#service = service
    this.#store = store
    this.#tokenWaitMs = tokenWaitMs
    this.#writeDeadlineMs = writeDeadlineMs
    this.#server = service.options.name.toUpperCase()
    this.#number = instanceNumber(service.options.name)
    this.#refusedWrites = service.metrics.counter('relais_replica_writes_refused_total', 'Writes that reached a replica (403 not-primary).')
  }

  mount(): void {
    const { app } = this.#service
    app.get('/data', (c) => this.#freshly(c, (deadlineMs) => this.#newest(c, deadlineMs)))
    app.post('/save', (c) => this.#save(c))
    app.get('/api/data', (c) => {
      const query = parsePageQuery(c.req.query('limit'), c.req.query('before'))
      return this.#freshly(c, (deadlineMs) => this.#page(c, query, deadlineMs))
    })
    app.post('/api/data', (c) => this.#insert(c))
    app.get('/api/data/:id', (c) => {
      const id = parseId(c.req.param('id'))
      return this.#freshly(c, (deadlineMs) => this.#get(c, id, deadlineMs))
    })
    app.put('/api/data/:id', (c) => this.#replace(c))
    app.delete('/api/data/:id', (c) => this.#remove(c))
    app.get('/api/replication', (c) => this.#replication(c))
  }

  /** The report's `GET /data`: the newest record in its short form. */
  async #newest(c: ServiceContext, deadlineMs: number): Promise<Response> {
    const { value, position } = await this.#store.page({ limit: 1 }, deadlineMs)
    const newest = value.records[0]
    if (!newest) throw this.#notThere('there is no record yet', position)
    return this.#answer(c, 200, { message: newest.message, origin: newest.origin, server: this.#server }, position)
  }

  async #page(c: ServiceContext, query: PageQuery, deadlineMs: number): Promise<Response> {
    const { value, position } = await this.#store.page(query, deadlineMs)
    const { records, next } = boundPage(value)
    return this.#answer(c, 200, { records: records.map(toJson), next, server: this.#server }, position)
  }

  async #get(c: ServiceContext, id: number, deadlineMs: number): Promise<Response> {
    const { value, position } = await this.#store.get(id, deadlineMs)
    if (!value) throw this.#notThere(`there is no record ${id}`, position)
    return this.#answer(c, 200, this.#withServer(value), position)
  }

  async #replication(c: ServiceContext): Promise<Response> {
    const status = await this.#store.replication()
    return c.env.exchange.json(200, status, { [SESSION_TOKEN]: status.position })
  }

  /** The report's `POST /save`: its sentence, in its language. */
  async #save(c: ServiceContext): Promise<Response> {
    const { value, position } = await this.#write(c, (message, options) => this.#store.insert(message, options))
    const sentence = `Donnée '${value.message}' sauvegardée sur DB ${this.#number}`
    return this.#answer(c, 200, { message: sentence }, position)
  }

  async #insert(c: ServiceContext): Promise<Response> {
    const { value, position } = await this.#write(c, (message, options) => this.#store.insert(message, options))
    return this.#answer(c, 201, this.#withServer(value), position, { location: `/api/data/${value.id}` })
  }

  async #replace(c: ServiceContext): Promise<Response> {
    const id = parseId(c.req.param('id')!)
    const { value, position } = await this.#write(c, async (message, options) => {
      await this.#checkPreconditions(c, id, options)
      return this.#store.replace(id, message, options)
    })
    return this.#answer(c, 200, this.#withServer(value), position)
  }

  async #remove(c: ServiceContext): Promise<Response> {
    this.#refuseOnReplica()
    const id = parseId(c.req.param('id')!)
    const options = this.#writeOptions(c)
    // Nothing is in it, but while it is not whole the request may still be refused as malformed.
    await readBody(c)
    await this.#checkPreconditions(c, id, options)
    const { position } = await this.#made(this.#store.remove(id, options), options)
    return this.#answer(c, 204, undefined, position)
  }

  async #write<T>(c: ServiceContext, write: (message: string, options: WriteOptions) => Promise<T>): Promise<T> {
    this.#refuseOnReplica()
    const options = this.#writeOptions(c)
    return this.#made(write(parseRecordInput(await readJson(c)), options), options)
  }

  /** A record that is not there is 404 with or without preconditions (RFC 9110, section 13.2.1). */
  async #checkPreconditions(c: ServiceContext, id: number, { deadlineMs }: WriteOptions): Promise<void> {
    const unmet = unmetPrecondition(c)
    if (unmet === undefined) return
    const { value, position } = await this.#store.get(id, deadlineMs)
    if (!value) throw this.#notThere(`there is no record ${id}`, position)
    throw new Problem('precondition-failed', { detail: unmet, headers: this.#token(position) })
  }

  /** Who is told that a record is not there must not see it in a later read: such an answer has a position too. */
  async #made<T>(write: Promise<T>, { deadlineMs }: WriteOptions): Promise<T> {
    try {
      return await write
    } catch (error) {
      if (!(error instanceof Problem) || error.slug !== 'not-found') throw error
      throw this.#notThere(error.message, await this.#store.position(deadlineMs))
    }
  }

  #writeOptions(c: ServiceContext): WriteOptions {
    const idempotencyKey = parseIdempotencyKey(headerOf(c, IDEMPOTENCY_KEY))
    return { idempotencyKey, deadlineMs: Date.now() + this.#writeDeadlineMs }
  }

  #refuseOnReplica(): void {
    if (this.#store.role === 'primary') return
    this.#refusedWrites.inc()
    throw new Problem('not-primary', { detail: `${this.#server} is a replica; writes go to the primary` })
  }

  /** Runs `read` if this node is as fresh as the request asks, and can; otherwise hands the request over. */
  async #freshly(c: ServiceContext, read: (deadlineMs: number) => Promise<Response>): Promise<Response> {
    const deadlineMs = Date.now() + READ_MS_MAX
    const token = parseSessionToken(headerOf(c, SESSION_TOKEN))
    try {
      // The primary is the freshest node there is: a token it has not reached names a history that was lost.
      if (this.#store.role === 'replica') await this.#checkFreshness(token, deadlineMs)
      return await read(deadlineMs)
    } catch (error) {
      const isElsewhere = error instanceof Problem && SERVED_ELSEWHERE.has(error.slug)
      if (!isElsewhere || headerOf(c, MAY_MOVE) === undefined) throw error
      return c.env.exchange.handOver(this.#store.role === 'primary' ? '@replicas' : '@primary')
    }
  }

  async #checkFreshness(token: Position | undefined, deadlineMs: number): Promise<void> {
    const reason = await this.#store.notReadyBecause()
    if (reason !== undefined) throw new Problem('not-ready', { detail: reason })
    if (token === undefined || (await this.#store.reach(token, this.#tokenWaitMs))) return
    const found = this.#store.formatPosition(await this.#store.position(deadlineMs))
    throw new Problem('replica-behind', {
      detail: `this replica is at ${found}, the session token asks for ${this.#store.formatPosition(token)}`,
    })
  }

  #notThere(detail: string, position: Position): Problem {
    return new Problem('not-found', { detail, headers: this.#token(position) })
  }

  #token(position: Position): Record<string, string> {
    return { [SESSION_TOKEN]: this.#store.formatPosition(position) }
  }

  #withServer(record: StoredRecord): RecordJson & { server: string } {
    return { ...toJson(record), server: this.#server }
  }

  #answer(c: ServiceContext, status: number, value: unknown, position: Position, headers: Record<string, string> = {}): Response {
    headers[SESSION_TOKEN] = this.#store.formatPosition(position)
    if (value === undefined) return c.env.exchange.answer(status, null, headers)
    return c.env.exchange.json(status, value, headers)
  }
}
