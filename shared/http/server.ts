/**
 * A service on a port: Node's HTTP server with its limits set, its protocol errors answered in our shape, and an end
 * that resets nobody.
 *
 * Three traps live here. (1) Node closes idle connections after 5 s by default while Nginx keeps them for 60: every now
 * and then a POST meets the closing socket and becomes a 502; so ours stay open longer than Nginx's. (2)
 * `server.close()` closes idle connections at once, with the same effect under load; so we stop listening, answer what
 * is at work and still comes with `Connection: close`, and cut only what stayed silent. (3) Requests that Node's parser refuses
 * never reach Hono; without `clientError` they are answered with an empty body, and are in no log.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server as HttpServer } from 'node:http'
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { Connections } from './connections.ts'
import { Exchange } from './exchange.ts'
import { REQUEST_ID } from './headers.ts'
import { Problem } from './problem.ts'
import type { Service } from './service.ts'

const KEEP_ALIVE_MS = 75_000
const HEADERS_BYTES_MAX = 16 * 1024
const BACKLOG = 4096
/** How long a connection may be silent after SIGTERM, or its last answer; a request that was on its way arrives well within it. */
const DRAIN_SILENCE_MS = 250
const DRAIN_LOOK_MS = 50
const DRAIN_MS_MAX = 8_000

/** How long a client may take, in milliseconds; tests shorten it. */
interface ClientPatience {
  /** From the connection, or the last answer, to the end of the headers. */
  readonly headersMs: number
  /** To the end of the body. */
  readonly requestMs: number
  /** Without a byte taken of an answer that is there. */
  readonly answerMs: number
  /** How often the three are looked at. */
  readonly checkMs: number
}

const CLIENT_PATIENCE: ClientPatience = { headersMs: 10_000, requestMs: 15_000, answerMs: 65_000, checkMs: 1_000 }

export interface RunningServer {
  readonly port: number
  /** Stops listening, lets requests in flight finish, closes the rest. Resolves when the last connection is gone. */
  close(): Promise<void>
}

/** Resolves once the port is bound; rejects with Node's error (`EADDRINUSE`, `EACCES`) if it cannot be. */
export async function listen(service: Service, host: string, port: number, patience = CLIENT_PATIENCE): Promise<RunningServer> {
  const answer = (request: Request, { incoming, outgoing }: HttpBindings): Promise<Response> =>
    service.fetch(request, { incoming, outgoing, client: connections.of(incoming.socket) })
  /** While the adapter takes a request: what it refuses it refuses then, and does not say whose it is. */
  let asking: IncomingMessage | undefined
  const listener = getRequestListener((request, bindings) => answer(request, bindings as HttpBindings), {
    overrideGlobalObjects: true,
    errorHandler: (error) => refusedByAdapter(service, error, asking, connections),
  })
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: patience.checkMs,
      maxHeaderSize: HEADERS_BYTES_MAX,
      noDelay: true,
      // A request without a Host is refused by the adapter, in our shape.
      requireHostHeader: false,
    },
    (incoming, outgoing) => {
      connections.begin(incoming, outgoing)
      asking = incoming
      void listener(incoming, outgoing)
      asking = undefined
    },
  )
  const connections = new Connections(server)
  const watch = setInterval(() => connections.cutUntaken(patience.answerMs), patience.checkMs)
  server.once('close', () => clearInterval(watch))
  // An expectation that Node does not know may be ignored (RFC 9110, section 10.1.1); Node itself answers 417 without a body.
  server.on('checkExpectation', (incoming, outgoing) => server.emit('request', incoming, outgoing))
  server.on('clientError', (error, socket) => refuse(service, error, socket as Socket, connections))

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: BACKLOG }, resolve)
  })
  server.removeAllListeners('error')
  return { port: (server.address() as AddressInfo).port, close: () => drain(service, server, connections) }
}

async function drain(service: Service, server: HttpServer, connections: Connections): Promise<void> {
  service.drain()
  const fromMs = performance.now()
  // The plain server's close: it stops listening and waits, without `http.Server`'s closing of idle connections.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
  const reaper = setInterval(() => {
    const sinceMs = performance.now() - DRAIN_SILENCE_MS
    if (sinceMs >= fromMs) connections.closeSilentSince(sinceMs)
  }, DRAIN_LOOK_MS)
  const limit = setTimeout(() => server.closeAllConnections(), DRAIN_MS_MAX)
  await closed
  clearInterval(reaper)
  clearTimeout(limit)
}

/** What the adapter could not turn into a `Request`: a bad Host, a bad URL. */
function refusedByAdapter(service: Service, error: unknown, incoming: IncomingMessage | undefined, connections: Connections): Response {
  const asked = incoming?.headers[REQUEST_ID]
  const exchange = new Exchange(service.options.name, typeof asked === 'string' ? asked : undefined)
  const client = incoming && connections.of(incoming.socket)
  // Its body may break off as well, in the same bytes: that is the same refusal.
  if (client) client.exchange = exchange
  const problem = adapterProblem(service, error, exchange)
  service.refused(exchange, problem.status, incoming)
  return exchange.problem(problem)
}

function adapterProblem(service: Service, error: unknown, { requestId }: Exchange): Problem {
  if (error instanceof Error && error.name === 'RequestError') return new Problem('malformed-request', { detail: error.message })
  service.options.log.error({ requestId, err: error }, 'the adapter failed')
  return new Problem('internal-error')
}

/** What Node's parser refused: the answer is written by hand, as there is no request to answer. */
function refuse(service: Service, error: NodeJS.ErrnoException, socket: Socket, connections: Connections): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const connection = connections.of(socket)
  const broken = connection?.brokenAnswer
  // Its answer, and no other, tells what became of a request: the one before the broken bytes is whole and being worked on, or the one that
  // they belong to was answered before it had come.
  const answer = connection?.owedAnswer ?? (broken?.headersSent ? broken : undefined)
  if (answer) {
    if (answer.writableFinished) socket.end()
    else answer.once('close', () => socket.end())
    return
  }
  const problem = parserProblem(error)
  const { name } = service.options
  const begun = broken && connection?.exchange
  const exchange = begun ?? new Exchange(name, undefined)
  // The line of a request that a route works on is written when that has given up.
  if (begun) begun.brokenOffStatus = problem.status
  else service.refused(exchange, problem.status)
  const body = JSON.stringify(problem.toDocument(exchange.requestId))
  const headers = {
    ...problem.headers,
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    Connection: 'close',
    'X-Request-ID': exchange.requestId,
    'X-Served-By': name,
  }
  const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`)
}

function parserProblem(error: NodeJS.ErrnoException): Problem {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request-timeout')
    case 'HPE_INVALID_METHOD':
      return new Problem('method-not-allowed', { detail: 'found no HTTP method', headers: { Allow: 'GET, HEAD, POST, PUT, DELETE' } })
    default:
      return new Problem('malformed-request', { detail: error.message })
  }
}
