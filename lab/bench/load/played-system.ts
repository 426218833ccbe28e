/** For tests: a system with the API's reads and writes on one port, that misbehaves as a test tells it to, request by request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

const EPOCH = '1970-01-01T00:00:00.000Z'

/** What becomes of one request. All but the first three are applied before: the client cannot know. */
export type Behaviour =
  | 'right'
  | 'refuse'
  | 'drop-unapplied'
  /** Of a write: two records, one answer. */
  | 'repeat'
  /** Of a write: acknowledged, and nowhere. */
  | 'forget'
  | 'drop'
  | 'reset'
  | 'truncate'
  | 'cut-json'
  | 'empty'
  | 'lie'
  | 'never'
  | 'no-http'
  /** A right answer, after which the server closes, as one that stops does. */
  | 'close'

interface PlayedRecord {
  readonly id: number
  readonly message: string
  readonly origin: 'DB1'
  readonly createdAt: string
  readonly updatedAt: string
}

export interface PlayedSystem {
  readonly url: string
  /** Oldest first. */
  readonly records: PlayedRecord[]
  /** Of records; what only opens a connection is not among them. */
  readonly requests: () => number
  readonly connections: () => number
  /** What only opens a connection, by how many of them had come when the first request of a record did. */
  readonly openingsBeforeFirst: () => number
  close(): Promise<void>
}

/** `behave` is asked once a request, in the order of their arrival, from 0. */
export async function playSystem(
  behave: (index: number, isWrite: boolean) => Behaviour = () => 'right',
  options: { readonly answerAfterMs?: number } = {},
): Promise<PlayedSystem> {
  const records: PlayedRecord[] = []
  let [requests, connections, openings, openingsBeforeFirst] = [0, 0, 0, 0]
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/livez') {
      openings++
      return send(outgoing, 404, '{}')
    }
    if (requests === 0) openingsBeforeFirst = openings
    const behaviour = behave(requests++, incoming.method === 'POST')
    void answer(incoming, outgoing, behaviour, records, options.answerAfterMs ?? 0)
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    records,
    requests: () => requests,
    connections: () => connections,
    openingsBeforeFirst: () => openingsBeforeFirst,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  behaviour: Behaviour,
  records: PlayedRecord[],
  answerAfterMs: number,
): Promise<void> {
  const sent = await text(incoming)
  if (answerAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, answerAfterMs))
  if (behaviour === 'refuse') return send(outgoing, 503, '{"definite":true}')
  if (behaviour === 'drop-unapplied') return void outgoing.socket?.end()
  const isWrite = incoming.method === 'POST'
  const body = isWrite ? write(sent, behaviour, records) : read(incoming, records)
  outgoing.setHeader('x-request-id', incoming.headers['x-request-id'] ?? '')
  misanswer(outgoing, isWrite ? 201 : 200, body, behaviour)
}

function write(sent: string, behaviour: Behaviour, records: PlayedRecord[]): string {
  const { message } = JSON.parse(sent) as { message: string }
  const now = new Date().toISOString()
  const record: PlayedRecord = { id: (records.at(-1)?.id ?? 0) + 1, message, origin: 'DB1', createdAt: now, updatedAt: now }
  if (behaviour !== 'forget') records.push(record)
  if (behaviour === 'repeat') records.push({ ...record, id: record.id + 1 })
  return JSON.stringify({ ...record, server: 'DB1' })
}

function read(incoming: IncomingMessage, records: readonly PlayedRecord[]): string {
  const query = new URL(incoming.url!, 'http://played').searchParams
  const before = Number(query.get('before') ?? Number.POSITIVE_INFINITY)
  const limit = Number(query.get('limit') ?? 20)
  const older = records.filter(({ id }) => id < before).toReversed()
  const page = older.slice(0, limit)
  return JSON.stringify({ records: page, next: older.length > limit ? page.at(-1)!.id : null, server: 'DB1' })
}

function misanswer(outgoing: ServerResponse, status: number, body: string, behaviour: Behaviour): void {
  const socket = outgoing.socket!
  switch (behaviour) {
    case 'drop':
      return void socket.end()
    case 'reset':
      return void socket.resetAndDestroy()
    case 'never':
      return
    case 'no-http':
      return void socket.end('This is no HTTP at all.\r\n\r\n')
    case 'truncate':
      return void socket.end(`HTTP/1.1 ${status} OK\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, body.length / 2)}`)
    case 'cut-json':
      return send(outgoing, status, body.slice(0, -3))
    case 'empty':
      return send(outgoing, status, '')
    case 'lie':
      return send(outgoing, status, lieAbout(body))
    case 'close':
      outgoing.setHeader('connection', 'close')
      return send(outgoing, status, body)
    default:
      return send(outgoing, status, body)
  }
}

const NOBODYS = { id: 900_719_925_474, message: "nobody's", origin: 'DB1', createdAt: EPOCH, updatedAt: EPOCH }

function lieAbout(body: string): string {
  const told = JSON.parse(body) as { records?: unknown[] }
  return JSON.stringify(told.records ? { ...told, records: [NOBODYS, ...told.records] } : { ...told, message: 'another' })
}

function send(outgoing: ServerResponse, status: number, body: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}
