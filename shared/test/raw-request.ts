/** For tests: bytes on a socket, as no HTTP client would send them, and everything that comes back until the end. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  /** 0 when the connection ended without an answer. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Record<string, string>
  readonly body: string
}

/** Sends `parts` one after the other and keeps the connection open; resolves when the server has ended it. */
export async function rawRequest(port: number, ...parts: (string | Uint8Array)[]): Promise<RawAnswer> {
  const socket = await openSocket(port)
  for (const part of parts) socket.write(part)
  return readToEnd(socket)
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  // A server that refuses a body half-way resets the connection; what it answered before that counts.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

export async function readToEnd(socket: Socket): Promise<RawAnswer> {
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  // Not `once()` of node:events, which rejects when the connection is reset.
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return parseAnswer(text)
}

/** The last answer in `text`; interim ones (1xx) come before it. */
function parseAnswer(text: string): RawAnswer {
  const last = text.slice(Math.max(0, text.lastIndexOf('HTTP/1.1 ')))
  const [head = '', ...rest] = last.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}
