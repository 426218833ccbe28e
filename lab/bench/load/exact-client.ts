/**
 * An autocannon client that accounts for each of its requests.
 *
 * autocannon 9 is right as long as every answer is whole. When a connection ends it goes on with the old connection's half-read
 * answer in its parser and the old request in its queue, so each later answer is taken for that of the request before it; a request
 * whose connection ended is in no counter; after `Connection: close` it sends the next request on the closing connection; and
 * `amount` is dealt out to the connections beforehand, so a slow one holds up the end. Hence three corrections, on the one
 * client, of methods that are not part of its documented interface: found to be there before the run, pinned by the lockfile, and
 * held by closed-loop.test.ts.
 *
 *   _connect    a new connection: what was in flight on the old one has ended now; parser and queue begin anew
 *   _doRequest  the next request: from the run's common plan; on a new connection if the server closes this one
 */
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Client } from 'autocannon'
import { headersOf } from './request-plan.ts'
import type { BegunRequest, RunAccount } from './run-account.ts'

/** The parts of autocannon's lib/httpClient.js that are relied on beyond its types. */
interface InnerClient extends Client {
  conn: Socket | undefined
  parser: { reinitialize(type: 'RESPONSE'): void; hadError: boolean }
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

export class ExactClient {
  readonly #client: InnerClient
  readonly #account: RunAccount
  #inFlight: BegunRequest | undefined
  #body = ''
  #answerRequestId: string | undefined
  #hasHeaders = false
  #mustReconnect = false
  #errorCode: string | undefined

  /** To be made in `setupClient`, before the client connects. `onDone` is called when it has ended its last request. */
  constructor(client: Client, account: RunAccount, timeoutMs: number, onDone: () => void) {
    this.#client = checkInner(client)
    this.#account = account
    this.#client.timeout = timeoutMs
    this.#client.responseMax = Number.POSITIVE_INFINITY
    this.#correctConnect()
    this.#correctDoRequest()
    this.#client.on('headers', (parsed) => this.#onHeaders(headersIn(parsed)))
    this.#client.on('response', (status, bytes) => this.#onResponse(status, bytes))
    const events: EventEmitter = this.#client
    events.on('connError', (error: NodeJS.ErrnoException) => (this.#errorCode = error.code ?? error.message))
    events.on('done', onDone)
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
      this.#mustReconnect = false
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
  }

  #correctDoRequest(): void {
    const doRequest = this.#client._doRequest.bind(this.#client)
    this.#client._doRequest = () => {
      if (this.#client.destroyed) return
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
    const { method, path, write } = request
    this.#client.setRequests([
      {
        method,
        path,
        headers: headersOf(request),
        ...(write && { body: write.body }),
        onResponse: (_status, body) => (this.#body = body),
      },
    ])
  }

  #onHeaders(headers: ReadonlyMap<string, string>): void {
    this.#hasHeaders = true
    this.#answerRequestId = headers.get('x-request-id')
    this.#mustReconnect = headers.get('connection')?.toLowerCase() === 'close'
  }

  #onResponse(status: number, bytes: number): void {
    const begun = this.#inFlight
    if (!begun) return
    this.#inFlight = undefined
    this.#account.answered(begun, { status, body: this.#body, requestId: this.#answerRequestId }, bytes)
  }

  #endInFlight(failure: string, outcome: 'timedOut' | 'lost' = 'lost'): void {
    if (this.#inFlight) this.#account.failed(this.#inFlight, outcome, failure)
    this.#inFlight = undefined
  }
}

function checkInner(client: Client): InnerClient {
  if (isInner(client)) return client
  throw new Error('Failed to correct autocannon: its client is not as in version 9.0; see exact-client.ts.')
}

function isInner(client: Client): client is InnerClient {
  const methods = ['_connect', '_doRequest', '_resetConnection', '_destroyConnection', 'destroy']
  return methods.every((name) => typeof Reflect.get(client, name) === 'function') && typeof Reflect.get(client, 'parser') === 'object'
}

/** autocannon hands its parser's result through: `headers` is a flat list of names and values. */
function headersIn(parsed: unknown): ReadonlyMap<string, string> {
  const list: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, 'headers') : undefined
  const headers = new Map<string, string>()
  if (!Array.isArray(list)) return headers
  for (let index = 0; index + 1 < list.length; index += 2) headers.set(String(list[index]).toLowerCase(), String(list[index + 1]))
  return headers
}
