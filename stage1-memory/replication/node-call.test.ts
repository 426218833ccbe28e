/** One call to a real server: what its caller is told, and what the other end gets to see. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { callNode, NodeCallError, type NodeAnswer } from './node-call.ts'
import { REPLICATE_BYTES_MAX } from './messages.ts'
import { SIGNATURE, Signer } from './signature.ts'

const SECRET = '5e'.repeat(32)
const DEADLINE_MS = 20_000
const signer = new Signer(SECRET)
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

describe('a call to a node', () => {
  it('brings the body as it is, and the answer in whatever pieces it came', async () => {
    const seen: string[] = []
    const url = await serve((request, response) => {
      seen.push(request.body)
      const body = JSON.stringify({ said: 'grüß dich, 你好' })
      response.writeHead(200, { [SIGNATURE]: signer.signAnswer(request.signature, { status: 200, body }) })
      const bytes = Buffer.from(body)
      const middleOfCharacter = bytes.indexOf('ü') + 1
      response.write(bytes.subarray(0, middleOfCharacter))
      response.end(bytes.subarray(middleOfCharacter))
    })
    const message = JSON.stringify({ message: 'çà et là 🎈' })
    expect(await call(url, message)).toEqual({ status: 200, body: { said: 'grüß dich, 你好' } })
    expect(seen).toEqual([message])
  })

  it('goes over the connections of earlier calls', async () => {
    const ports = new Set<number | undefined>()
    const url = await serve((request, response) => {
      ports.add(request.port)
      answer(request, response, 200, '{}')
    })
    for (let n = 1; n <= 10; n++) await call(url)
    // Not always one: a call right after another may come before undici knows its connection to be free.
    expect(ports.size).toBeLessThanOrEqual(2)
  })

  it('gives refusals as they are, and follows no redirect', async () => {
    let others = 0
    const other = await serve((_, response) => {
      others++
      response.end()
    })
    const refusing = await serve((request, response) => answer(request, response, 409, '{"reason":"gap"}'))
    const redirecting = await serve((request, response) => answer(request, response, 307, '{}', { location: other }))
    expect(await call(refusing)).toEqual({ status: 409, body: { reason: 'gap' } })
    expect(await call(redirecting)).toEqual({ status: 307, body: {} })
    expect(others).toBe(0)
  })

  it('ends at its deadline, and closes the connection that it waited on', async () => {
    let closed: (() => void) | undefined
    const isClosed = new Promise<void>((resolve) => (closed = resolve))
    const url = await serve((request, response) => {
      if (request.body === 'hang') response.on('close', () => closed!())
      else answer(request, response, 200, '{}')
    })
    // So that a connection is open: the deadline could pass before one is, and nothing would be sent.
    await call(url)
    await expect(call(url, 'hang', 1_000)).rejects.toThrow(/^POST \/api\/replicate on db2: no answer within 1000 ms$/)
    await isClosed
  })

  it('sends nothing more once it is given up, so that its bytes can be used again', async () => {
    const waiting: IncomingMessage[] = []
    const url = await listen((request, response) => {
      if (request.method === 'POST') waiting.push(request)
      else answer({ signature: String(request.headers[SIGNATURE]) }, response, 200, '{}')
    })
    const peer = { name: 'db2', url }
    // So that a connection is open.
    await callNode(peer, signer, { method: 'GET', path: '/api/replicate', deadlineMs: DEADLINE_MS })
    // More than a connection holds while nobody reads.
    const body = Buffer.alloc(REPLICATE_BYTES_MAX, 'a')
    await expect(callNode(peer, signer, { method: 'POST', path: '/api/replicate', body, deadlineMs: 1_000 })).rejects.toThrow(/no answer/)
    body.fill('b')
    let found = ''
    await expect(async () => {
      for await (const chunk of waiting[0]!) found += String(chunk)
    }).rejects.toThrow('aborted')
    expect(found).toMatch(/^a+$/)
  })

  it('that was too late before it had a connection is not sent', async () => {
    const seen: string[] = []
    const url = await serve((request, response) => {
      seen.push(request.body)
      answer(request, response, 200, '{}')
    })
    // After this, timers come before connections: the deadline passes first, however fast the connection is.
    await new Promise(setImmediate)
    const lost = call(url, 'late', 1)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    await expect(lost).rejects.toThrow(/no answer within 1 ms$/)
    await call(url, 'next')
    await call(url, 'next')
    expect(seen).toEqual(['next', 'next'])
  })

  it.each<[string, (request: Called, response: Response) => void, RegExp]>([
    ['answers without a signature', (_, response) => void response.end('{}'), /answered 200 without a signature of this cluster/],
    [
      'answers with the signature of another answer',
      (request, response) => {
        response.writeHead(200, { [SIGNATURE]: signer.signAnswer(request.signature, { status: 200, body: '{"a":1}' }) })
        response.end('{"a":2}')
      },
      /answered 200 without a signature of this cluster/,
    ],
    [
      'answers more than any answer has',
      (_, response) => void response.end(Buffer.alloc(REPLICATE_BYTES_MAX + 1, 'x')),
      /the answer is larger than 16777216 bytes/,
    ],
    ['answers what is not JSON', (request, response) => answer(request, response, 200, 'yes'), /JSON/],
    [
      'goes away in the middle of its answer',
      (_, response) => {
        response.writeHead(200, { 'content-length': 10 })
        response.write('{')
        setImmediate(() => response.destroy())
      },
      /terminated|closed|aborted/,
    ],
  ])('fails with a node that %s', async (_, work, reason) => {
    const failure = await call(await serve(work)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(NodeCallError)
    expect((failure as Error).message).toMatch(reason)
  })

  it('fails with a node that is not there, and says why', async () => {
    const url = await serve(() => undefined)
    await new Promise((resolve) => servers.pop()!.close(resolve))
    await expect(call(url)).rejects.toThrow(/on db2: connect ECONNREFUSED/)
  })
})

interface Called {
  readonly body: string
  readonly signature: string
  readonly port: number | undefined
}
type Response = Parameters<Parameters<typeof createServer>[1] & {}>[1]

function call(url: string, body = '', deadlineMs = DEADLINE_MS): Promise<NodeAnswer> {
  return callNode({ name: 'db2', url }, signer, { method: 'POST', path: '/api/replicate', body, deadlineMs })
}

function answer(
  request: Pick<Called, 'signature'>,
  response: Response,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...headers, [SIGNATURE]: signer.signAnswer(request.signature, { status, body }) })
  response.end(body)
}

function serve(work: (request: Called, response: Response) => void): Promise<string> {
  return listen((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const signature = String(request.headers[SIGNATURE])
      work({ body: Buffer.concat(chunks).toString(), signature, port: request.socket.remotePort }, response)
    })
  })
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
