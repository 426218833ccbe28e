/** The call to the next tier against real loopback servers that misbehave: what is known afterwards, and what is not. */
import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { rejectionOf } from '../test/rejection-of.ts'
import { loopbackServer, type LoopbackServer } from '../test/loopback-server.ts'
import type { Client } from './connections.ts'
import { TierClient, type TierClientOptions } from './tier-client.ts'

const GENEROUS_MS = 20_000
/** Long enough to be sent even where the process stands still for a while. */
const SHORT_MS = 1_000
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

describe('the call to the next tier', () => {
  it('gives status, headers and body as they were answered, and passes on method, path, headers and body', async () => {
    const body = 'é€𝒳'
    const server = await upstream((socket) =>
      socket.write(`HTTP/1.1 418 I\r\nX-Served-By: db1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`),
    )
    const answer = await client(server).call({
      method: 'PUT',
      path: '/api/data/7?x=1',
      headers: { 'idempotency-key': 'k' },
      body: '{"message":"a"}',
    })
    expect({ status: answer.status, way: answer.headers['x-served-by'], body: answer.body.toString() }).toEqual({
      status: 418,
      way: 'db1',
      body,
    })
    expect(server.received()).toMatch(/^PUT \/api\/data\/7\?x=1 HTTP\/1\.1\r\n[^]*idempotency-key: k\r\n[^]*\r\n\r\n\{"message":"a"\}$/)
  })

  it('gives an answered error as an answer: 500 is the next tier’s word, not a failed call', async () => {
    const server = await upstream((socket) => socket.write('HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}'))
    expect(await client(server).call(POST)).toMatchObject({ status: 500 })
  })

  it('joins a body that comes in pieces, and takes none for an empty one', async () => {
    const server = await upstream((socket, sent) => {
      if (sent.includes('GET /none')) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
      else
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', () =>
          setImmediate(() => socket.write('2\r\nde\r\n0\r\n\r\n')),
        )
    })
    expect(String((await client(server).call(GET)).body)).toBe('abcde')
    expect((await client(server).call({ ...GET, path: '/none' })).body).toHaveLength(0)
  })

  it('keeps its connections for the next calls', async () => {
    const server = await upstream((socket) => socket.write(OK))
    const tier = client(server, { connectionsMax: 2 })
    for (let n = 0; n < 20; n++) await tier.call(GET)
    // A second one opens when a call comes in the very turn in which the first one's answer ended.
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  it.each([
    ['a read', 'GET'],
    ['a HEAD', 'HEAD'],
    ['a write', 'POST'],
    ['a removal', 'DELETE'],
  ])('refused: %s was certainly not done', async (_, method) => {
    const server = await upstream(() => {})
    await server.close()
    await expect(client(server).call({ ...GET, method })).rejects.toMatchObject({
      slug: 'upstream-unavailable',
      status: 503,
      definite: true,
    })
  })

  it.each([
    ['hangs', 'GET', true, 'upstream-timeout', () => {}],
    ['hangs', 'POST', false, 'upstream-timeout', () => {}],
    ['stops in the middle of its headers', 'DELETE', false, 'upstream-timeout', HALF_HEADERS],
    ['stops in the middle of its body', 'PUT', false, 'upstream-timeout', HALF_BODY],
  ] as const)('a next tier that %s is left at the deadline: %s is definite: %s', async (_, method, definite, slug, play) => {
    const server = await upstream(play)
    const call = client(server, { deadlineMs: SHORT_MS }).call({ ...GET, method })
    await expect(call).rejects.toMatchObject({ slug, status: 504, definite, message: `no answer from the next tier within ${SHORT_MS} ms` })
  })

  it.each([
    ['cuts the connection after it was sent', 'GET', true, CUT],
    ['cuts the connection after it was sent', 'HEAD', true, CUT],
    ['cuts the connection after it was sent', 'POST', false, CUT],
    ['resets the connection after it was sent', 'PUT', false, RESET],
    ['cuts in the middle of the body', 'GET', true, CUT_IN_BODY],
    ['cuts in the middle of the body', 'DELETE', false, CUT_IN_BODY],
    ['cuts in the middle of a chunk', 'POST', false, CUT_IN_CHUNK],
    ['does not speak HTTP', 'GET', true, GARBAGE],
    ['does not speak HTTP', 'POST', false, GARBAGE],
  ] as const)('a next tier that %s leaves a %s definite: %s', async (_, method, definite, play) => {
    const server = await upstream(play)
    await expect(client(server).call({ ...GET, method })).rejects.toMatchObject({ slug: 'upstream-cut', status: 502, definite })
  })

  it.each([
    ['GET', true],
    ['POST', false],
  ] as const)('refuses an endless answer at its bound: %s is definite: %s', async (method, definite) => {
    const server = await upstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      const more = (): boolean =>
        socket.writable && !socket.write(`1000\r\n${'a'.repeat(4096)}\r\n`) && socket.once('drain', more) === socket
      for (let n = 0; n < 64; n++) more()
    })
    const call = client(server, { answerBytesMax: 64 * 1024 }).call({ ...GET, method })
    await expect(call).rejects.toMatchObject({
      slug: 'upstream-cut',
      definite,
      cause: { message: 'the answer is larger than 65536 bytes' },
    })
  })

  it('takes an answer of exactly its bound', async () => {
    const server = await upstream((socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${'a'.repeat(1_000)}`))
    expect((await client(server, { answerBytesMax: 1_000 }).call(GET)).body).toHaveLength(1_000)
  })

  it('a write that still waits for a connection at the deadline was certainly not done, and is never sent', async () => {
    const server = await upstream((socket, sent) => {
      if (sent.includes('/second')) socket.write(OK)
    })
    const tier = client(server, { deadlineMs: SHORT_MS, connectionsMax: 1 })
    const first = rejectionOf(tier.call({ ...POST, path: '/first' }))
    const second = rejectionOf(tier.call({ ...POST, path: '/second' }))
    expect(await first).toMatchObject({ slug: 'upstream-timeout', definite: false })
    expect(await second).toMatchObject({ slug: 'upstream-timeout', definite: true })
    await expect(tier.call({ ...POST, path: '/third' })).rejects.toMatchObject({ slug: 'upstream-timeout' })
    expect(server.received()).not.toContain('/second')
  })

  it('is not sent when too little of its deadline is left for an answer, and says that it certainly was not', async () => {
    const server = await upstream(() => {})
    expect(await rejectionOf(client(server, { deadlineMs: 9 }).call(POST))).toMatchObject({ slug: 'upstream-timeout', definite: true })
    expect(server.received()).toBe('')
  })

  it('gives up a read whose client has gone, and frees its place', async () => {
    const server = await upstream((socket, sent) => {
      if (sent.includes('/next')) socket.write(OK)
    })
    const tier = client(server, { connectionsMax: 1 })
    const [sent, waiting] = [aClient(), aClient()]
    const calls = [sent, waiting].map((client) => rejectionOf(tier.call({ ...GET, path: '/gone', client })))
    const next = tier.call({ ...GET, path: '/next' })
    await vi.waitFor(() => expect(server.received()).toContain('/gone'), { timeout: 5_000, interval: 5 })
    for (const one of [waiting, sent]) leave(one)
    for (const call of calls) expect(await call).toMatchObject({ slug: 'client-gone', status: 499, definite: true })
    expect((await next).status).toBe(200)
    expect(server.received().match(/GET \/gone/g)).toHaveLength(1)
    expect(sent.waiters.size).toBe(0)
  })

  it('sends nothing for a client that had gone before', async () => {
    const server = await upstream(() => {})
    for (const request of [GET, POST]) {
      const call = rejectionOf(client(server).call({ ...request, client: aClient(true) }))
      expect(await call).toMatchObject({ slug: 'client-gone', definite: true })
    }
    expect(server.received()).toBe('')
  })

  it('lets a write go on that was sent, and does not send one that waits, when its client has gone', async () => {
    const sockets: Socket[] = []
    const server = await upstream((socket) => void sockets.push(socket))
    const tier = client(server, { connectionsMax: 1 })
    const [first, second] = [aClient(), aClient()]
    const sent = tier.call({ ...POST, path: '/first', client: first })
    const waiting = rejectionOf(tier.call({ ...POST, path: '/second', client: second }))
    await vi.waitFor(() => expect(server.received()).toContain('/first'), { timeout: 5_000, interval: 5 })
    for (const one of [first, second]) leave(one)
    expect(await waiting).toMatchObject({ slug: 'client-gone', definite: true })
    sockets[0]!.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n')
    expect((await sent).status).toBe(201)
    expect(server.received()).not.toContain('/second')
  })

  it('sends what waits in order, without those that were given up, and keeps the connection', async () => {
    const sockets: Socket[] = []
    const server = await upstream((socket) => void sockets.push(socket))
    const tier = client(server, { connectionsMax: 1 })
    const clients = Array.from({ length: 6 }, () => aClient())
    const calls = Promise.allSettled(clients.map((client, n) => tier.call({ ...GET, path: `/${n}`, client })))
    await vi.waitFor(() => expect(server.received()).toContain('/0'), { timeout: 5_000, interval: 5 })
    for (const n of [1, 2, 4]) leave(clients[n]!)
    sockets[0]!.on('data', () => sockets[0]!.write(OK)).write(OK)
    expect((await calls).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
    expect([...server.received().matchAll(/GET (\S+)/g)].map(([, path]) => path)).toEqual(['/0', '/3', '/5'])
    expect(server.connections()).toBe(1)
  })

  it('keeps the connection that was being opened for a call that was given up', async () => {
    const server = await upstream((socket) => socket.write(OK))
    const tier = client(server, { connectionsMax: 1 })
    const gone = aClient()
    const call = rejectionOf(tier.call({ ...GET, path: '/gone', client: gone }))
    leave(gone)
    expect(await call).toMatchObject({ slug: 'client-gone', definite: true })
    expect((await tier.call(GET)).status).toBe(200)
    expect(server.received()).not.toContain('/gone')
    expect(server.connections()).toBe(1)
  })

  it('keeps no body of a call that was given up while it waited, though nothing moves', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const server = await upstream((socket, sent) => {
      if (!sent.includes('POST')) socket.write(OK)
    })
    const tier = client(server, { connectionsMax: 2 })
    for (let n = 0; n < 3; n++) await tier.call({ ...GET, method: 'DELETE' })
    const sent = [tier.call(POST), tier.call(POST)].map(rejectionOf)
    const [first, second, third] = [aClient(), aClient(), aClient()]
    const bodyThatWaits = (waiting: Client): WeakRef<Uint8Array> => {
      const body = new Uint8Array(64 * 1024)
      void rejectionOf(tier.call({ ...POST, body, client: waiting }))
      return new WeakRef(body)
    }
    const bodies = [first, second, third].map(bodyThatWaits)
    for (const one of [second, third, first]) leave(one)
    const isKept = (): boolean => {
      collectGarbage()
      return bodies.some((body) => body.deref() !== undefined)
    }
    await vi.waitFor(() => expect(isKept()).toBe(false), { timeout: 5_000, interval: 5 })
    await tier.close()
    await Promise.all(sent)
  })

  it('says of the calls that wait when it is closed that they were not sent', async () => {
    const server = await upstream(() => {})
    const tier = client(server, { connectionsMax: 1 })
    const calls = ['/sent', '/waits', '/waits'].map((path) => rejectionOf(tier.call({ ...POST, path })))
    await vi.waitFor(() => expect(server.received()).toContain('/sent'), { timeout: 5_000, interval: 5 })
    await tier.close()
    expect(await Promise.all(calls)).toEqual([
      expect.objectContaining({ slug: 'upstream-cut', definite: false }),
      expect.objectContaining({ slug: 'upstream-unavailable', definite: true }),
      expect.objectContaining({ slug: 'upstream-unavailable', definite: true }),
    ])
    expect(server.received()).not.toContain('/waits')
  })

  it('lets no call wait for a place that was held by one whose connection was refused', async () => {
    const server = await upstream(() => {})
    await server.close()
    const tier = client(server, { connectionsMax: 2 })
    const calls = Array.from({ length: 50 }, () => rejectionOf(tier.call(POST)))
    for (const call of calls) expect(await call).toMatchObject({ slug: 'upstream-unavailable', definite: true })
  })

  it('lets reads go on while writes wait for all the connections that writes have', async () => {
    const server = await upstream((socket, sent) => {
      if (sent.startsWith('GET')) socket.write(OK)
    })
    const tier = client(server, { connectionsMax: 1 })
    const writes = [tier.call(POST), tier.call(POST)].map(rejectionOf)
    expect((await tier.call(GET)).status).toBe(200)
    await server.close()
    await Promise.all(writes)
  })

  it('sends what is above its bound when an answer has come', async () => {
    const server = await upstream((socket) => socket.write(OK))
    const tier = client(server, { connectionsMax: 2 })
    const answers = await Promise.all(Array.from({ length: 50 }, () => tier.call(GET)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  it('works again after a failure, without being told', async () => {
    let isBroken = true
    const server = await upstream((socket) => (isBroken ? socket.destroy() : socket.write(OK)))
    const tier = client(server)
    await expect(tier.call(GET)).rejects.toMatchObject({ slug: 'upstream-cut' })
    isBroken = false
    expect((await tier.call(GET)).status).toBe(200)
  })

  it('tries nothing again: one call is one request', async () => {
    const server = await upstream((socket) => socket.destroy())
    await expect(client(server).call(GET)).rejects.toMatchObject({ slug: 'upstream-cut' })
    expect(server.received().match(/HTTP\/1\.1/g)).toHaveLength(1)
  })
})

type Play = Parameters<typeof loopbackServer>[0]

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const GET = { method: 'GET', path: '/api/data', headers: {} }
const POST = { method: 'POST', path: '/api/data', headers: { 'content-type': 'application/json' }, body: '{"message":"a"}' }

/** Our own answer to a client, which leaves when a test says so. */
function aClient(isGone = false): Client {
  return { waiters: new Set(), isGone }
}

function leave({ waiters }: Client): void {
  for (const waiter of waiters) waiter.clientGone()
}

async function upstream(play: Play): Promise<LoopbackServer> {
  const server = await loopbackServer(play)
  closing.push(() => server.close())
  return server
}

function client(server: LoopbackServer, options: Partial<TierClientOptions> = {}): TierClient {
  const tier = new TierClient(server.url, { deadlineMs: GENEROUS_MS, ...options })
  closing.unshift(() => tier.close())
  return tier
}

function HALF_HEADERS(...[socket]: Parameters<Play>): void {
  socket.write('HTTP/1.1 200 OK\r\nContent-Le')
}

function HALF_BODY(...[socket]: Parameters<Play>): void {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')
}

function CUT(...[socket]: Parameters<Play>): void {
  socket.end()
}

function RESET(...[socket]: Parameters<Play>): void {
  socket.resetAndDestroy()
}

function CUT_IN_BODY(...[socket]: Parameters<Play>): void {
  socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')
}

function CUT_IN_CHUNK(...[socket]: Parameters<Play>): void {
  socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc')
}

function GARBAGE(...[socket]: Parameters<Play>): void {
  socket.end('220 mail.example ESMTP\r\n')
}
