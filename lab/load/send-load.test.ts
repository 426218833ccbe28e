/** What a load does with servers that close, refuse, or are slow. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { sendLoad, type Load } from './send-load.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function loadOn(listener: RequestListener, change: Partial<Load> = {}): Promise<Load> {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return { url, method: 'GET', headers: {}, body: null, requests: 20, connections: 2, ratePerS: null, ...change }
}

const never = new AbortController().signal

test('sends exactly as many requests as asked for, on no more connections', async () => {
  let connections = 0
  const load = await loadOn((_, response) => response.setHeader('x-served-by', 'frontend1').end('{}'))
  server!.on('connection', () => connections++)
  const samples = await sendLoad(load, never)
  expect(samples).toHaveLength(20)
  expect(samples.every(({ status, servedBy }) => status === 200 && servedBy === 'frontend1')).toBe(true)
  expect(connections).toBeLessThanOrEqual(2)
})

test('asks each time for something else where the URL has {n}', async () => {
  const asked = new Set<string | undefined>()
  const load = await loadOn((request, response) => asked.add(request.url) && response.end(), { requests: 3 })
  await sendLoad({ ...load, url: `${load.url}api/data/{n}?before={n}` }, never)
  expect(asked).toEqual(new Set(['/api/data/1?before=1', '/api/data/2?before=2', '/api/data/3?before=3']))
})

test.each([
  ['GET', 200, 2],
  ['POST', null, 1],
] as const)('sends a %s whose connection is closed at most once more if that is safe', async (method, status, asked) => {
  let requests = 0
  const load = await loadOn((request, response) => (++requests === 1 ? request.socket.destroy() : response.end()), { method, requests: 1 })
  expect(await sendLoad(load, never)).toMatchObject([{ status, isSecondTry: method === 'GET' }])
  expect(requests).toBe(asked)
})

test('takes an answer that is cut for none, and times a long one to its last byte', async () => {
  const cut = await loadOn(
    (request, response) => {
      response.writeHead(200, { 'content-length': 1_000 }).write('x'.repeat(100))
      setTimeout(() => request.socket.destroy(), 5)
    },
    { requests: 2 },
  )
  expect(await sendLoad(cut, never)).toMatchObject([{ status: null }, { status: null }])
  server!.close()
  const last = Promise.withResolvers<void>()
  const long = await loadOn(
    (_, response) => {
      response.write('x'.repeat(200_000))
      void last.promise.then(() => response.end('x'.repeat(200_000)))
    },
    { requests: 1 },
  )
  let isDone = false
  const sent = sendLoad(long, never).then((samples) => ((isDone = true), samples))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(isDone).toBe(false)
  last.resolve()
  expect(await sent).toMatchObject([{ status: 200 }])
})

test('sends nothing more once it is stopped, also while requests wait for their time', async () => {
  let requests = 0
  const stop = new AbortController()
  const load = await loadOn((_, response) => (requests++, response.end()), { requests: 50, connections: 8, ratePerS: 0.1 })
  const sent = sendLoad(load, stop.signal)
  await expect.poll(() => requests).toBe(1)
  stop.abort()
  expect(await sent).toHaveLength(1)
  expect(requests).toBe(1)
})

test('counts the wait for a free connection when requests are due at a pace', async () => {
  const load = await loadOn((_, response) => setTimeout(() => response.end(), 40), { requests: 6, connections: 1, ratePerS: 1_000 })
  const samples = await sendLoad(load, never)
  // Due 1 ms apart and served one after the other: each has waited for those before it.
  expect(samples.map(({ durationMs }) => durationMs)).toEqual(samples.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b))
})

test('ends by time when it is asked to, whatever number of requests is left', async () => {
  const load = await loadOn((_, response) => response.end(), { requests: 1_000_000, ratePerS: 100, lastsMs: 200 })
  // Due every 10 ms from 0 to 190.
  expect(await sendLoad(load, never)).toHaveLength(20)
})
