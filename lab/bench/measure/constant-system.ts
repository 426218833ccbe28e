/**
 * The fastest system that a generator can meet, in a process of its own: a constant page for a read, the message itself for a write.
 * Headers are those of the real chain. What a generator reaches against it is the generator's limit, with all its checks on. Prints its port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

const AT = '2026-01-01T00:00:00.000Z'
const PAGE_RECORDS = 20
const IDS_BEFORE = Number(process.argv[2])

/** As many as an answer of the real chain has: reading them is part of a generator's work. */
const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-served-by': 'frontend1, backend1, db1',
  'x-session-token': '1:1000000000',
  'server-timing': 'frontend;dur=1.00, backend;dur=1.00, db;dur=1.00',
  vary: 'accept',
  server: 'nginx',
}

const records = Array.from({ length: PAGE_RECORDS }, (_, index) => ({
  id: IDS_BEFORE - index,
  message: 'x'.repeat(64),
  origin: 'DB1',
  createdAt: AT,
  updatedAt: AT,
}))
const page = JSON.stringify({ records, next: records.at(-1)!.id, server: 'DB1' })
let written = 0

const server = createServer((incoming, outgoing) => void answer(incoming, outgoing))

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const isWrite = incoming.method === 'POST'
  const body = isWrite ? recordOf(await text(incoming)) : page
  outgoing.setHeader('x-request-id', incoming.headers['x-request-id'] ?? '')
  outgoing.writeHead(isWrite ? 201 : 200, { ...HEADERS, 'content-length': Buffer.byteLength(body) }).end(body)
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log((server.address() as AddressInfo).port))
// It ends with whoever started it, however that ended.
process.stdin.on('end', () => process.exit(0)).resume()

function recordOf(sent: string): string {
  const { message } = JSON.parse(sent) as { message: string }
  return JSON.stringify({ id: IDS_BEFORE + ++written, message, origin: 'DB1', createdAt: AT, updatedAt: AT, server: 'DB1' })
}
