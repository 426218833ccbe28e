/**
 * An autocannon client that accounts for each of its requests.
 *
 * autocannon 9 is right as long as every answer is whole. When a connection ends it goes on with the old connection's half-read
 * answer in its parser and the old request in its queue, so each later answer is taken for that of the request before it; a request
 * whose connection ended is in no counter; after `Connection: close` it sends the next request on the closing connection; and
 * `amount` is dealt out to the connections beforehand, so a slow one holds up the end. And a request that differs from the last one is
 * built by copying everything deeply, which took a fifth of the generator's time. Hence corrections, on the one
 * client, of parts that are not its documented interface: found to be there before the run, pinned by the lockfile, and
 * held by run-load.test.ts.
 *
 * And it sends the first request before the connection stands. Here a request that is not counted goes first over each connection: only an
 * answer says that the server itself has accepted it, as the system does so for any that waits for a busy server. It is for
 * `/livez`, which the entry answers itself (db-lb asks a database); any answer will do. A connection that cannot be opened is tried again by the first request.
 *
 *   _connect          a new connection: what was in flight on the old one has ended now; parser and queue begin anew
 *   _doRequest        the next request: from the run's common plan; on a new connection if the server closes this one
 *   requestIterator   that request's bytes, as we wrote them
 */
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Client } from 'autocannon'
import { bytesOf, openingBytes } from './request-plan.ts'
import type { BegunRequest, RunAccount } from './run-account.ts'

/** The parts of autocannon's lib/httpClient.js that are relied on beyond its types. */
interface InnerClient extends Client {
  conn: Socket | undefined
  parser: { reinitialize(type: 'RESPONSE'): void; hadError: boolean }
  requestIterator: RequestIterator
  /** Milliseconds. */
  timeout: number
  responseMax: number
  destroyed: boolean
  _connect(): void
  _doRequest(): void
  _resetConnection(): void
  _destroyConnection(): void
  destroy(): void
}

/** What the client asks of lib/requestIterator.js. */
interface RequestIterator {
  /** What is sent next. */
  currentRequest: { readonly requestBuffer: Buffer }
  /** Whether the list of requests has begun anew. */
  readonly resetted: boolean
  /** Called before each request but the first; ours is there already. */
  nextRequest(): void
  /** Called with each whole answer, before the `response` event. */
  recordBody(request: unknown, status: number, body: string): void
}

interface AnswerHeaders {
  readonly requestId?: string
  readonly connection?: string
}

interface ClientEvents {
  /** Called once: an answer came over its connection, or none will. */
  readonly onOpened: () => void
  /** Called when it has ended its last request, or was given up. */
  readonly onDone: () => void
}

export class ExactClient {
  readonly #client: InnerClient
  readonly #onOpened: () => void
  readonly #host: string
  readonly #requests: RequestIterator
  /** `undefined` until the run begins. */
  #account: RunAccount | undefined
  #isOpening = true
  #inFlight: BegunRequest | undefined
  #body = ''
  #answerRequestId: string | undefined
  #hasHeaders = false
  #mustReconnect = false
  #errorCode: string | undefined

  /** To be made in `setupClient`, before the client connects. */
  constructor(client: Client, host: string, timeoutMs: number, { onOpened, onDone }: ClientEvents) {
    this.#client = checkInner(client)
    this.#onOpened = onOpened
    this.#host = host
    this.#requests = {
      currentRequest: { requestBuffer: openingBytes(host) },
      resetted: false,
      nextRequest: () => {},
      recordBody: (_request, _status, body) => (this.#body = body),
    }
    this.#client.requestIterator = this.#requests
    this.#client.timeout = timeoutMs
    this.#client.responseMax = Number.POSITIVE_INFINITY
    this.#correctConnect()
    this.#correctDoRequest()
    this.#client.on('headers', (parsed) => this.#onHeaders(headersIn(parsed)))
    this.#client.on('response', (status, bytes) => this.#onResponse(status, bytes))
    const events: EventEmitter = this.#client
    events.on('connError', (error: NodeJS.ErrnoException) => (this.#errorCode = error.code ?? error.message))
    events.on('done', () => {
      this.#endOpening()
      onDone()
    })
  }

  /** After `onOpened`; sends the first request of the run. */
  start(account: RunAccount): void {
    this.#account = account
    this.#client._doRequest()
  }

  /** Gives up what is in flight and sends nothing more. */
  abort(): void {
    if (this.#client.destroyed) return
    this.#endInFlight('aborted')
    this.#client.destroy()
  }

  #correctConnect(): void {
    const connect = this.#client._connect.bind(this.#client)
    this.#client._connect = () => {
      if (this.#client.conn) this.#leave(this.#client.conn)
      this.#client.parser.reinitialize('RESPONSE')
      // Between opening and start nobody waits for an answer: the first request will connect.
      this.#mustReconnect = this.#account === undefined && !this.#isOpening
      if (this.#mustReconnect) return
      connect()
      const { conn } = this.#client
      // What cannot be parsed would only be noticed by the timeout.
      conn?.on('data', () => this.#client.parser.hadError && conn.destroy(new Error('no HTTP')))
    }
  }

  #leave(connection: Socket): void {
    // autocannon destroys the connection itself only for a timeout, without an error.
    const isTimeout = this.#errorCode === undefined && !connection.readableEnded
    this.#client._destroyConnection()
    if (isTimeout) this.#endInFlight('timeout', 'timedOut')
    else this.#endInFlight(`${this.#errorCode ?? 'connection ended'}${this.#hasHeaders ? ', answer cut' : ''}`)
    this.#errorCode = undefined
    this.#endOpening()
  }

  #endOpening(): void {
    if (!this.#isOpening) return
    this.#isOpening = false
    this.#onOpened()
  }

  #correctDoRequest(): void {
    const doRequest = this.#client._doRequest.bind(this.#client)
    this.#client._doRequest = () => {
      if (this.#client.destroyed) return
      if (this.#account === undefined) {
        if (this.#isOpening) doRequest()
        return
      }
      if (this.#mustReconnect) {
        this.#client._resetConnection()
        return
      }
      const begun = this.#account.begin()
      if (!begun) {
        // Not at once: autocannon does not notice the end of a client that it is still making.
        setImmediate(() => this.#client.destroy())
        return
      }
      this.#inFlight = begun
      this.#prepare(begun)
      doRequest()
    }
  }

  #prepare({ request }: BegunRequest): void {
    this.#body = ''
    this.#answerRequestId = undefined
    this.#hasHeaders = false
    this.#requests.currentRequest = { requestBuffer: bytesOf(request, this.#host) }
  }

  #onHeaders({ requestId, connection }: AnswerHeaders): void {
    this.#hasHeaders = true
    this.#answerRequestId = requestId
    this.#mustReconnect = connection === 'close'
  }

  #onResponse(status: number, bytes: number): void {
    this.#endOpening()
    const begun = this.#inFlight
    if (!begun) return
    this.#inFlight = undefined
    this.#account?.answered(begun, { status, body: this.#body, requestId: this.#answerRequestId }, bytes)
  }

  #endInFlight(failure: string, outcome: 'timedOut' | 'lost' = 'lost'): void {
    if (this.#inFlight) this.#account?.failed(this.#inFlight, outcome, failure)
    this.#inFlight = undefined
  }
}

function checkInner(client: Client): InnerClient {
  if (isInner(client)) return client
  throw new Error('Failed to correct autocannon: its client is not as in version 9.0; see exact-client.ts.')
}

function isInner(client: Client): client is InnerClient {
  const methods = ['_connect', '_doRequest', '_resetConnection', '_destroyConnection', 'destroy']
  const parts = ['parser', 'requestIterator']
  return (
    methods.every((name) => typeof Reflect.get(client, name) === 'function') &&
    parts.every((name) => typeof Reflect.get(client, name) === 'object')
  )
}

/** autocannon hands its parser's result through: `headers` is a flat list of names and values. Only two of them matter here. */
function headersIn(parsed: unknown): AnswerHeaders {
  const list: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, 'headers') : undefined
  const found: { requestId?: string; connection?: string } = {}
  if (!Array.isArray(list)) return found
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = String(list[index])
    if (isNamed(name, 'x-request-id')) found.requestId = String(list[index + 1])
    else if (isNamed(name, 'connection')) found.connection = String(list[index + 1]).toLowerCase()
  }
  return found
}

/** The length first: most names differ in it, and a lower-case copy of each is what a generator has no time for. */
function isNamed(name: string, wanted: string): boolean {
  return name.length === wanted.length && name.toLowerCase() === wanted
}
