/** The frontend's pass-through: a program's request goes to the backend tier and back, byte for byte, and decides nothing itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TierClient } from '../http/tier-client.ts'
import type { Service } from '../http/service.ts'
import { fakeTier, type FakeTier } from '../test/fake-tier.ts'
import { testService } from '../test/test-service.ts'
import { mountFrontend } from './app.ts'
import { STYLE } from './pages/assets.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const WAY = { 'x-served-by': 'backend1, db3', 'server-timing': 'backend1;dur=1.20, db3;dur=0.10', 'x-session-token': '1:42' }

let backend: FakeTier
let tier: TierClient
let service: Service

beforeEach(async () => {
  backend = await fakeTier({ status: 200, headers: { ...JSON_TYPE, ...WAY }, body: '{"message":"é","origin":"DB1","server":"DB3"}' })
  tier = new TierClient(backend.url, { deadlineMs: 20_000 })
  service = testService('frontend3')
  mountFrontend(service, tier)
})
afterEach(async () => {
  await tier.close()
  await backend.close()
})

describe('a program’s request', () => {
  it.each([
    ['GET', '/api/data?limit=0&x=%F0%9D'],
    ['HEAD', '/api/data'],
    ['GET', '/api/data/7'],
    ['GET', '/api/replication'],
    ['GET', '/data'],
    ['DELETE', '/api/data/7'],
  ])('%s %s is passed on as it is', async (method, path) => {
    const response = await service.request(path, { method })
    expect(response.status).toBe(200)
    expect(backend.asked).toMatchObject([{ method, url: path, body: '' }])
    const body = await response.text()
    expect(body).toBe(method === 'HEAD' ? '' : '{"message":"é","origin":"DB1","server":"DB3"}')
  })

  it.each([
    ['good JSON', '{"message":"a"}', JSON_TYPE],
    ['JSON that is not', '{"message', JSON_TYPE],
    ['another media type', 'a,b', { 'content-type': 'text/csv; charset=latin1' }],
  ])('with %s is for the backend to judge: bytes and type are passed on', async (_, body, headers) => {
    await service.request('/api/data', { method: 'POST', body, headers })
    expect(backend.asked[0]).toMatchObject({ body, headers })
  })

  it('keeps bytes that are not UTF-8 as they are', async () => {
    await service.request('/api/data', { method: 'POST', body: Uint8Array.of(0x22, 0xff, 0x22), headers: JSON_TYPE })
    expect(Buffer.from(backend.asked[0]!.body).includes(0xef)).toBe(true)
    expect(backend.asked[0]!.headers['content-length']).toBe('3')
  })

  it('takes along its token, key and trace, and none of what a client must not say', async () => {
    const travelling = {
      'x-read-from': 'primary',
      'x-session-token': '1:7',
      traceparent: '00-ab-cd-01',
      'idempotency-key': 'mine',
      'x-request-id': 'id-1',
    }
    const stopped = { forwarded: 'for=6.6.6.6', 'x-accel-redirect': '/x', 'x-served-by': 'me', 'x-relais-signature': '1.00', cookie: 'a=b' }
    await service.request('/api/data', { method: 'POST', body: '{}', headers: { ...JSON_TYPE, ...travelling, ...stopped } })
    expect(backend.asked[0]!.headers).toMatchObject(travelling)
    expect(Object.keys(backend.asked[0]!.headers).filter((name) => name in stopped)).toEqual([])
  })

  it.each(['PUT', 'DELETE'])('%s takes along its conditions, which the database judges', async (method) => {
    const conditions = { 'if-match': '"old"', 'if-none-match': '*' }
    await service.request('/api/data/7', { method, headers: conditions })
    expect(backend.asked[0]!.headers).toMatchObject(conditions)
  })

  it('comes back with the whole way: frontend, backend, database', async () => {
    const { headers } = await service.request('/api/data')
    expect(headers.get('x-served-by')).toBe('frontend3, backend1, db3')
    expect(headers.get('server-timing')).toMatch(/^frontend3;dur=\d+\.\d\d, backend1;dur=1\.20, db3;dur=0\.10$/)
    expect(headers.get('x-session-token')).toBe('1:42')
  })

  it('gets the problem of the tier that refused it, untouched', async () => {
    const problem = '{"type":"urn:relais:problem:not-primary","title":"Not the primary","status":403,"definite":true}'
    const headers = { 'content-type': 'application/problem+json', allow: 'GET, HEAD', 'idempotency-key': 'k', ...WAY }
    backend.answer = { status: 403, headers, body: problem }
    const response = await service.request('/api/data', { method: 'POST', body: '{}', headers: JSON_TYPE })
    expect([response.status, await response.text()]).toEqual([403, problem])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/problem+json',
      allow: 'GET, HEAD',
      'idempotency-key': 'k',
    })
  })

  it.each([
    ['GET', true],
    ['DELETE', false],
  ])('%s that the backend tier cuts is definite: %s', async (method, definite) => {
    backend.answer = 'cut'
    const response = await service.request('/api/data/7', { method })
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:upstream-cut', definite })
    expect(response.headers.get('x-served-by')).toBe('frontend3')
  })

  it.each(['/api/replicate', '/api/replicate/snapshot', '/primary', '/replica'])('for %s, which is between nodes, is 404', async (path) => {
    expect((await service.request(path)).status).toBe(404)
    expect((await service.request(path, { method: 'POST', body: '{}' })).status).toBe(404)
    expect(backend.asked).toEqual([])
  })

  it('with a body above 64 KiB is refused here', async () => {
    const response = await service.request('/api/data', { method: 'POST', body: 'a'.repeat(70_000), headers: JSON_TYPE })
    expect(response.status).toBe(413)
    expect(backend.asked).toEqual([])
  })
})

describe('GET /data', () => {
  it.each([
    // Firefox and Chromium, and a phone's WebKit.
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
    'TEXT/HTML',
    'text/html;level=1;Q=0.4',
    'text/*',
    'application/json, text/html',
    'application/json;q=0.5, text/html;q=0.5',
    'application/json;q=0, */*;q=0.1, text/html;q=0.1',
    '*/*;q=0.1, application/json;q=0.1, text/html;q=0.2',
  ])('is a page for a browser, Accept: %s', async (accept) => {
    backend.answer = { status: 200, headers: JSON_TYPE, body: '{"records":[],"next":null,"server":"DB3"}' }
    const page = await service.request('/data', { headers: { accept } })
    expect(page.headers.get('content-type')).toContain('text/html')
  })

  it.each([
    undefined,
    '',
    '*/*',
    'application/json, text/plain, */*',
    'text/html;q=0',
    'text/html;q=0, */*',
    'text/html;q=0, text/*',
    'text/html;q=0.5, application/json',
    'application/*, text/html;q=0.9',
    'text/html;q=0.5, */*;q=0.8',
    'text/html-sandboxed',
    'application/json;profile="text/html"',
  ])('is the database’s JSON for everybody else, Accept: %s', async (accept) => {
    const json = await service.request('/data', { headers: accept === undefined ? {} : { accept } })
    expect(await json.json()).toEqual({ message: 'é', origin: 'DB1', server: 'DB3' })
    expect([json.headers.get('vary'), json.headers.get('cache-control')]).toEqual(['Accept', 'no-store'])
  })
})

describe('what a cache on the way is told', () => {
  const cacheHeaders = async (path: string, accept: string): Promise<unknown[]> => {
    const { headers } = await service.request(path, { headers: { accept } })
    return [headers.get('vary'), headers.get('cache-control')]
  }

  it('of a problem that a browser gets as a page: that the answer goes by Accept, in both forms', async () => {
    expect(await cacheHeaders('/nowhere', 'text/html')).toEqual(['Accept, Accept-Language', 'no-store'])
    expect(await cacheHeaders('/nowhere', 'application/json')).toEqual(['Accept', 'no-store'])
    backend.answer = 'cut'
    expect(await cacheHeaders('/api/data', '*/*')).toEqual(['Accept', 'no-store'])
  })

  it('of a record, and of its absence: to keep neither, in the one form that each has', async () => {
    expect(await cacheHeaders('/api/data/7', 'text/html')).toEqual([null, 'no-store'])
    backend.answer = { status: 404, headers: { 'content-type': 'application/problem+json' }, body: '{}' }
    expect(await cacheHeaders('/api/data/7', 'text/html')).toEqual([null, 'no-store'])
  })

  it('of the stylesheet: to keep it, and nothing else', async () => {
    const stylesheet = await service.request(STYLE.href)
    expect(stylesheet.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  })
})
