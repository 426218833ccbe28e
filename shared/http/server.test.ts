/** A service on a real port: what Node's parser refuses is answered in our shape, slow clients end, and stopping resets nobody. */
import { once } from 'node:events'
import { Agent, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openSocket, rawRequest, readToEnd, type RawAnswer } from '../test/raw-request.ts'
import { loopbackServer } from '../test/loopback-server.ts'
import { recordingLog, type RecordingLog } from '../test/recording-log.ts'
import { testService } from '../test/test-service.ts'
import { askNextTier, passBack } from './pass-on.ts'
import { readJson } from './read-json.ts'
import { listen, type RunningServer } from './server.ts'
import type { Service } from './service.ts'
import { rejectionOf } from '../test/rejection-of.ts'
import type { Client } from './connections.ts'
import { TierClient } from './tier-client.ts'

const PATIENCE = { headersMs: 200, requestMs: 400, checkMs: 20, answerMs: 60_000 }
/** More than the buffers of two sockets take. */
const LARGE_BYTES = 32 * 1024 * 1024
const HEAD = 'Host: db1\r\nConnection: close\r\n'
const JSON_HEAD = `${HEAD}Content-Type: application/json\r\n`

let service: Service
let written: RecordingLog
let server: RunningServer
let taken: unknown[]
let release: PromiseWithResolvers<void>
let large: ServerResponse | undefined

beforeEach(async () => {
  taken = []
  release = Promise.withResolvers()
  written = recordingLog()
  service = testService('db1', { log: written.log })
  service.app.get('/ok', (c) => c.env.exchange.json(200, { url: c.req.url }))
  service.app.get('/slow', async (c) => (await release.promise, c.env.exchange.json(200, { done: true })))
  service.app.get('/large', (c) => {
    large = c.env.outgoing
    return c.env.exchange.answer(200, 'x'.repeat(LARGE_BYTES), {})
  })
  service.app.post('/take', async (c) => (taken.push(await readJson(c)), c.env.exchange.json(201, {})))
  server = await listen(service, '127.0.0.1', 0, PATIENCE)
})
afterEach(async () => {
  release.resolve()
  await server.close()
})

describe('a request that the parser or the adapter refuses', () => {
  it.each([
    ['an unknown method', 405, 'method-not-allowed', `BREW /ok HTTP/1.1\r\n${HEAD}\r\n`],
    ['a TLS handshake', 405, 'method-not-allowed', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'],
    ['TRACE', 405, 'method-not-allowed', `TRACE /ok HTTP/1.1\r\n${HEAD}\r\n`],
    ['a header above 16 KiB', 431, 'headers-too-large', `GET /ok HTTP/1.1\r\n${HEAD}X-Big: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['a thousand headers', 431, 'headers-too-large', `GET /ok HTTP/1.1\r\n${HEAD}${'X-Many: 0123456789\r\n'.repeat(1_000)}\r\n`],
    ['a URL above 8 KiB', 414, 'uri-too-long', `GET /ok?${'a'.repeat(9_000)} HTTP/1.1\r\n${HEAD}\r\n`],
    ['a URL above all limits', 431, 'headers-too-large', `GET /ok?${'a'.repeat(40_000)} HTTP/1.1\r\n${HEAD}\r\n`],
    ['no Host', 400, 'malformed-request', 'GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['an empty Host', 400, 'malformed-request', 'GET /ok HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'],
    ['a Host with a user', 400, 'malformed-request', 'GET /ok HTTP/1.1\r\nHost: user@db1\r\nConnection: close\r\n\r\n'],
    ['a Host with a path', 400, 'malformed-request', 'GET /ok HTTP/1.1\r\nHost: db1/ok?\r\nConnection: close\r\n\r\n'],
    ['an absolute URL of another scheme', 400, 'malformed-request', `GET ftp://db1/ok HTTP/1.1\r\n${HEAD}\r\n`],
    ['an asterisk', 400, 'malformed-request', `OPTIONS * HTTP/1.1\r\n${HEAD}\r\n`],
    ['NUL in a header', 400, 'malformed-request', `GET /ok HTTP/1.1\r\n${HEAD}X-A: a\0b\r\n\r\n`],
    ['bare line feeds', 400, 'malformed-request', 'GET /ok HTTP/1.1\nHost: db1\n\n'],
    ['another protocol', 400, 'malformed-request', `GET /ok FTP/1.1\r\n${HEAD}\r\n`],
    ['a negative length', 400, 'malformed-request', `POST /take HTTP/1.1\r\n${JSON_HEAD}Content-Length: -1\r\n\r\n{}`],
    ['two lengths', 400, 'malformed-request', `POST /take HTTP/1.1\r\n${JSON_HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    [
      'a length and chunks',
      400,
      'malformed-request',
      `POST /take HTTP/1.1\r\n${JSON_HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ],
    [
      'a broken chunk',
      400,
      'malformed-request',
      `POST /take HTTP/1.1\r\n${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    ],
  ])('%s is answered %i in our shape', async (_, status, slug, text) => {
    const answer = await rawRequest(server.port, text)
    expect(answer.status).toBe(status)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      connection: 'close',
      'x-served-by': 'db1',
    })
    const document = JSON.parse(answer.body) as Record<string, unknown>
    expect(document).toMatchObject({
      type: `urn:relais:problem:${slug}`,
      status,
      definite: true,
      requestId: answer.headers['x-request-id'],
    })
    expect(answer.headers['allow'] ?? '').toMatch(status === 405 ? /GET/ : /^$/)
    await expectLogged(answer)
    await expectUnharmed()
  })

  it.each([
    ['a bad Host', 'GET', '/ok', 'GET /ok?a=b HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n'],
    ['a bad Host and a broken chunk', 'POST', '/take', 'POST /take HTTP/1.1\r\nHost: a b\r\nTransfer-Encoding: chunked\r\n'],
    ['a broken chunk', 'POST', '/take', `POST /take HTTP/1.1\r\n${JSON_HEAD}Transfer-Encoding: chunked\r\n`],
  ])('keeps the id that its client gave it with %s', async (_, method, path, head) => {
    const answer = await rawRequest(server.port, `${head}X-Request-ID: mine-7\r\n\r\nzz\r\n`)
    expect([answer.status, answer.headers['x-request-id']]).toEqual([400, 'mine-7'])
    expect(await expectLogged(answer)).toMatchObject({ requestId: 'mine-7', method, path, servedBy: 'db1' })
  })

  it('is not answered again when it was answered before it broke off', async () => {
    const socket = await openSocket(server.port)
    let received = ''
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.write('POST /nowhere HTTP/1.1\r\nHost: db1\r\nTransfer-Encoding: chunked\r\n\r\n')
    await vi.waitFor(() => expect(received).toContain('not-found'), { timeout: 5_000, interval: 5 })
    socket.write('zz\r\n')
    await closed
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404'])
    await expectUnharmed()
  })

  it.each([
    ['an absolute URL', `GET http://db1/ok HTTP/1.1\r\n${HEAD}\r\n`],
    ['a body where none belongs', `GET /ok HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhello`],
    ['an expectation that nobody knows', `GET /ok HTTP/1.1\r\n${HEAD}Expect: miracles\r\n\r\n`],
    ['an offer to upgrade', `GET /ok HTTP/1.1\r\nHost: db1\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ])('is not one with %s', async (_, text) => {
    expect((await rawRequest(server.port, text)).status).toBe(200)
  })
})

describe('bytes that are no request, behind one that is', () => {
  it('leave its answer to the request: a write that was made is not called refused', async () => {
    const socket = await openSocket(server.port)
    socket.write('GET /slow HTTP/1.1\r\nHost: db1\r\n\r\n{"junk":1}\r\n\r\n')
    await vi.waitFor(() => expect(service.inFlight).toBe(1), { timeout: 5_000, interval: 5 })
    release.resolve()
    expect(await readToEnd(socket)).toMatchObject({ status: 200, body: '{"done":true}' })
  })
})

describe('a request that breaks off, behind one that is whole', () => {
  it('leaves its answer to the first', async () => {
    const socket = await openSocket(server.port)
    const whole = 'GET /slow HTTP/1.1\r\nHost: db1\r\n\r\n'
    socket.write(`${whole}POST /take HTTP/1.1\r\nHost: db1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`)
    await vi.waitFor(() => expect(service.inFlight).toBe(2), { timeout: 5_000, interval: 5 })
    release.resolve()
    expect(await readToEnd(socket)).toMatchObject({ status: 200, body: '{"done":true}' })
    await expectUnharmed()
  })
})

describe('a body', () => {
  it.each([
    ['announced', `Content-Length: 70000\r\n\r\n${'a'.repeat(70_000)}`],
    ['announced and never sent', 'Content-Length: 70000\r\n\r\n'],
    ['in chunks', `Transfer-Encoding: chunked\r\n\r\n${chunk(65_536)}${chunk(4_464)}0\r\n\r\n`],
    ['in chunks that never end', `Transfer-Encoding: chunked\r\n\r\n${chunk(65_536)}${chunk(4_464)}`],
  ])('of 70 KB, %s, is answered 413', async (_, rest) => {
    const answer = await rawRequest(server.port, `POST /take HTTP/1.1\r\nHost: db1\r\nContent-Type: application/json\r\n${rest}`)
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'urn:relais:problem:body-too-large', definite: true })
    await expectUnharmed()
  })

  it('in many small pieces is one body', async () => {
    const pieces = [...'{"message":"ab"}']
    const answer = await rawRequest(server.port, `POST /take HTTP/1.1\r\n${JSON_HEAD}Content-Length: ${pieces.length}\r\n\r\n`, ...pieces)
    expect(answer.status).toBe(201)
    expect(taken).toEqual([{ message: 'ab' }])
  })
})

describe('a client that goes silent', () => {
  it.each([
    ['before its first byte', ''],
    ['within the request line', 'GET /o'],
    ['within a header', 'GET /ok HTTP/1.1\r\nHost: db1\r\nX-Half'],
    ['before the end of the headers', 'GET /ok HTTP/1.1\r\nHost: db1\r\n'],
    ['within an announced body', 'POST /take HTTP/1.1\r\nHost: db1\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"mes'],
    [
      'within a chunk',
      'POST /take HTTP/1.1\r\nHost: db1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"mes',
    ],
    [
      'before the last chunk',
      'POST /take HTTP/1.1\r\nHost: db1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n',
    ],
  ])('%s is answered 408, and holds nothing', async (_, text) => {
    const answer = await rawRequest(server.port, text)
    expect(answer.status).toBe(408)
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'urn:relais:problem:request-timeout', definite: true })
    await expectLogged(answer)
    await expectUnharmed()
  })

  it('and hangs up within its body leaves nothing behind', async () => {
    const socket = await openSocket(server.port)
    socket.write('POST /take HTTP/1.1\r\nHost: db1\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"mes')
    await vi.waitFor(() => expect(service.inFlight).toBe(1), { timeout: 5_000, interval: 5 })
    socket.destroy()
    await expectUnharmed()
  })
})

describe('a client that does not take its answer', () => {
  it('is cut after a while, so that the answer is not kept for ever', async () => {
    const impatient = await listen(service, '127.0.0.1', 0, { ...PATIENCE, answerMs: 100 })
    const socket = await openSocket(impatient.port)
    socket.write('GET /large HTTP/1.1\r\nHost: db1\r\n\r\n')
    await vi.waitFor(() => expect(large?.closed).toBe(true), { timeout: 10_000, interval: 5 })
    // What the buffers held, and not the rest.
    expect((await readToEnd(socket)).body.length).toBeLessThan(LARGE_BYTES)
    await impatient.close()
  })

  it('is not cut while it takes a little of it now and then, for longer than the patience in all', async () => {
    const answerMs = 1_000
    const impatient = await listen(service, '127.0.0.1', 0, { ...PATIENCE, answerMs })
    const socket = await openSocket(impatient.port)
    socket.write('GET /large HTTP/1.1\r\nHost: db1\r\nConnection: close\r\n\r\n')
    const untilMs = performance.now() + 3 * answerMs
    let taken = 0
    socket.on('data', (chunk: Buffer) => {
      taken += chunk.length
      if (performance.now() > untilMs) return
      socket.pause()
      setTimeout(() => socket.resume(), answerMs / 100)
    })
    await once(socket, 'end')
    expect(performance.now()).toBeGreaterThan(untilMs)
    expect(taken).toBeGreaterThan(LARGE_BYTES)
    await impatient.close()
  })
})

describe('large answers that are not taken', () => {
  it('are bounded as a whole: one more is refused, and nothing else, until one of them has ended', async () => {
    const small = testService('db1', { untakenBytesMax: 2 * LARGE_BYTES })
    small.app.get('/large', (c) => c.env.exchange.answer(200, 'x'.repeat(LARGE_BYTES), {}))
    // Large answers take a while on a busy machine, and the second connection asks only after the first one's.
    const bounded = await listen(small, '127.0.0.1', 0, { ...PATIENCE, headersMs: 60_000, requestMs: 60_000 })
    const ask = (path: string): Promise<RawAnswer> => rawRequest(bounded.port, `GET ${path} HTTP/1.1\r\n${HEAD}\r\n`)
    const slow = await Promise.all([openSocket(bounded.port), openSocket(bounded.port)])
    for (const socket of slow) {
      socket.write(`GET /large HTTP/1.1\r\n${HEAD}\r\n`)
      await once(socket, 'readable')
    }
    const refused = await ask('/large')
    expect(refused.status).toBe(503)
    expect(JSON.parse(refused.body)).toMatchObject({ type: 'urn:relais:problem:overloaded', definite: true })
    expect((await ask('/livez')).status).toBe(200)
    expect((await ask('/nowhere')).status).toBe(404)
    // One goes away, one takes what is left.
    slow[0].destroy()
    expect((await readToEnd(slow[1])).body).toHaveLength(LARGE_BYTES)
    await vi.waitFor(
      async () => expect((await Promise.all([ask('/large'), ask('/large')])).map(({ status }) => status)).toEqual([200, 200]),
      {
        timeout: 10_000,
        interval: 5,
      },
    )
    await bounded.close()
  })
})

describe('a client that goes away before its answer', () => {
  it('frees the place that it held in the next tier', async () => {
    const next = await loopbackServer((socket, sent) => {
      if (sent.includes('/wanted')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    const tier = new TierClient(next.url, { deadlineMs: 60_000, connectionsMax: 1 })
    for (const path of ['/left', '/wanted']) service.app.get(path, async (c) => passBack(c.env.exchange, await askNextTier(c, tier)))
    const socket = await openSocket(server.port)
    socket.write('GET /left HTTP/1.1\r\nHost: db1\r\n\r\n')
    await vi.waitFor(() => expect(next.received()).toContain('/left'), { timeout: 5_000, interval: 5 })
    socket.destroy()
    expect((await rawRequest(server.port, `GET /wanted HTTP/1.1\r\n${HEAD}\r\n`)).status).toBe(200)
    await tier.close()
    await next.close()
  })

  it('has nothing sent for it that was not sent yet', async () => {
    const next = await loopbackServer(() => {})
    const tier = new TierClient(next.url, { deadlineMs: 60_000 })
    let client: Client | undefined
    const outcome = Promise.withResolvers<unknown>()
    service.app.get('/left', async (c) => {
      client = c.env.client
      await release.promise
      outcome.resolve(await rejectionOf(askNextTier(c, tier)))
      return c.env.exchange.json(200, {})
    })
    const socket = await openSocket(server.port)
    socket.write('GET /left HTTP/1.1\r\nHost: db1\r\n\r\n')
    await vi.waitFor(() => expect(client).toBeDefined(), { timeout: 5_000, interval: 5 })
    socket.destroy()
    await vi.waitFor(() => expect(client?.isGone).toBe(true), { timeout: 5_000, interval: 5 })
    release.resolve()
    expect(await outcome.promise).toMatchObject({ slug: 'client-gone', definite: true })
    expect(next.received()).toBe('')
    await tier.close()
    await next.close()
  })
})

describe('a port', () => {
  it('that is taken is refused with Node’s code', async () => {
    await expect(listen(testService('db2'), '127.0.0.1', server.port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('keeps idle connections longer than Nginx does', async () => {
    const socket = await openSocket(server.port)
    socket.write('GET /ok HTTP/1.1\r\nHost: db1\r\n\r\n')
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(Number(/Keep-Alive: timeout=(\d+)/i.exec(first.toString())?.[1])).toBeGreaterThan(60)
    socket.destroy()
  })
})

describe('stopping', () => {
  it('lets a request in flight finish, and then is over', async () => {
    const socket = await openSocket(server.port)
    socket.write('GET /slow HTTP/1.1\r\nHost: db1\r\n\r\n')
    await vi.waitFor(() => expect(service.inFlight).toBe(1), { timeout: 5_000, interval: 5 })
    const answer = readToEnd(socket)
    const closed = server.close()
    await untilRefused(server.port)
    release.resolve()
    expect(await answer).toMatchObject({ status: 200, body: '{"done":true}', headers: { connection: 'close' } })
    await closed
  })

  it('lets an answer be taken to its end, however slowly', async () => {
    const slow = await openSocket(server.port)
    slow.write('GET /large HTTP/1.1\r\nHost: db1\r\n\r\n')
    await once(slow, 'readable')
    const idle = await openSocket(server.port)
    const isCut = once(idle.resume(), 'end')
    const closed = server.close()
    // What is idle is cut, and the answer is still on its way.
    await isCut
    expect((await readToEnd(slow)).body).toHaveLength(LARGE_BYTES)
    await closed
  })

  it('lets a body that is still arriving arrive', async () => {
    const socket = await openSocket(server.port)
    socket.write('POST /take HTTP/1.1\r\nHost: db1\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"messa')
    await vi.waitFor(() => expect(service.inFlight).toBe(1), { timeout: 5_000, interval: 5 })
    const answer = readToEnd(socket)
    const closed = server.close()
    await untilRefused(server.port)
    socket.write('ge":"a"}')
    expect((await answer).status).toBe(201)
    await closed
    expect(taken).toEqual([{ message: 'a' }])
  })

  it('resets no connection on which requests keep coming: each is answered, and asked to reconnect', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    let isStopping = false
    const outcomes = { good: 0, closing: 0, refused: 0, other: [] as unknown[] }
    const client = async (): Promise<void> => {
      while (outcomes.refused === 0) {
        const wasStopping = isStopping
        try {
          const { status, connection } = await get(server.port, '/ok', agent)
          if (status === 200) outcomes.good++
          else outcomes.other.push(status)
          if (connection === 'close') outcomes.closing++
        } catch (error) {
          if (wasStopping && (error as NodeJS.ErrnoException).code === 'ECONNREFUSED') outcomes.refused++
          else if (!(isStopping && (error as NodeJS.ErrnoException).code === 'ECONNREFUSED')) outcomes.other.push(error)
        }
      }
    }
    const clients = Array.from({ length: 8 }, client)
    await vi.waitFor(() => expect(outcomes.good).toBeGreaterThan(50), { timeout: 10_000, interval: 5 })
    isStopping = true
    const closed = server.close()
    await Promise.all(clients)
    await closed
    agent.destroy()
    expect(outcomes.other).toEqual([])
    expect(outcomes.closing).toBeGreaterThan(0)
  })

  it('refuses new connections at once, and ends idle ones without an error', async () => {
    const idle = await openSocket(server.port)
    const errors: unknown[] = []
    idle.on('error', (error) => errors.push(error))
    idle.write('GET /ok HTTP/1.1\r\nHost: db1\r\n\r\n')
    await once(idle, 'data')
    const ended = once(idle, 'end')
    const closed = server.close()
    await untilRefused(server.port)
    await ended
    await closed
    expect(errors).toEqual([])
  })
})

/** Once, with the status that the client was told, and counted once as that; resolves to its line. */
async function expectLogged({ status, headers }: RawAnswer): Promise<unknown> {
  const ofRequest = (): unknown[] => {
    service.flushLog()
    return written.lines().filter(({ requestId }) => requestId === headers['x-request-id'])
  }
  await vi.waitFor(() => expect(ofRequest()).not.toEqual([]), { timeout: 5_000, interval: 5 })
  expect(ofRequest()).toEqual([expect.objectContaining({ status })])
  const counted = (await service.metrics.text()).matchAll(/^relais_http_request_duration_seconds_count\{.*status="(4\d\d)".*\} (\d+)$/gm)
  expect([...counted].map(([, told, times]) => [told, times])).toEqual([[String(status), '1']])
  return ofRequest()[0]
}

async function expectUnharmed(): Promise<void> {
  expect((await rawRequest(server.port, `GET /ok HTTP/1.1\r\n${HEAD}\r\n`)).status).toBe(200)
  expect(taken).toEqual([])
  await vi.waitFor(() => expect(service.inFlight).toBe(0), { timeout: 5_000, interval: 5 })
}

async function untilRefused(port: number): Promise<void> {
  await vi.waitFor(
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1')
        socket.once('connect', () => (socket.destroy(), reject(new Error('still listening'))))
        socket.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? resolve() : reject(error)))
      }),
    { timeout: 5_000, interval: 5 },
  )
}

function get(port: number, path: string, agent: Agent): Promise<{ status: number | undefined; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    request({ port, path, agent, host: '127.0.0.1' }, (response) => {
      response.resume()
      response.once('end', () => resolve({ status: response.statusCode, connection: response.headers.connection }))
      response.once('error', reject)
    })
      .once('error', reject)
      .end()
  })
}

function chunk(length: number): string {
  return `${length.toString(16)}\r\n${'a'.repeat(length)}\r\n`
}
