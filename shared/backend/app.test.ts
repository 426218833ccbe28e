/** The backend over a database tier that a test decides: what crosses the tier, what comes back, and what the client learns. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TierClient } from '../http/tier-client.ts'
import type { Service } from '../http/service.ts'
import { fakeTier, type FakeTier } from '../test/fake-tier.ts'
import { testService } from '../test/test-service.ts'
import { mountBackend } from './app.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const JSON_TYPE = { 'content-type': 'application/json' }
const WAY = { 'x-served-by': 'db1', 'server-timing': 'db1;dur=0.10', 'x-session-token': '1:42' }

let database: FakeTier
let tier: TierClient
let service: Service

beforeEach(async () => {
  database = await fakeTier({ status: 200, headers: { ...JSON_TYPE, ...WAY }, body: '{"records":[],"next":null,"server":"DB1"}' })
  tier = new TierClient(database.url, { deadlineMs: 20_000 })
  service = testService('backend2')
  mountBackend(service, tier)
})
afterEach(async () => {
  await tier.close()
  await database.close()
})

describe('a read', () => {
  it('crosses with its path and query, and comes back byte for byte', async () => {
    const body = '{"records": [ ],\n"next":null, "server":"DB1é"}'
    database.answer = { status: 200, headers: { ...JSON_TYPE, ...WAY }, body }
    const response = await service.request('/api/data?limit=5&before=7')
    expect(await response.text()).toBe(body)
    expect(database.asked).toMatchObject([{ method: 'GET', url: '/api/data?limit=5&before=7', body: '' }])
  })

  it.each(['/data', '/api/data', '/api/data/7', '/api/replication'])('of %s is passed on, and so is its HEAD', async (path) => {
    expect((await service.request(path)).status).toBe(200)
    expect((await service.request(path, { method: 'HEAD' })).status).toBe(200)
    expect(database.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET ${path}`, `HEAD ${path}`])
  })

  it('takes along the headers that travel, and no other', async () => {
    await service.request('/api/data', {
      headers: {
        'x-read-from': 'primary',
        'x-session-token': '1:7',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'vendor=1',
        'x-real-ip': '192.0.2.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'relais.example',
        'x-request-id': 'id-1',
        forwarded: 'for=6.6.6.6',
        'x-forwarded-for': '6.6.6.6',
        'x-served-by': 'me',
        'x-accel-redirect': '@primary',
        'x-relais-signature': '1.00',
        cookie: 'a=b',
        authorization: 'Basic x',
      },
    })
    const { headers } = database.asked[0]!
    expect(headers).toMatchObject({
      'x-read-from': 'primary',
      'x-session-token': '1:7',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'vendor=1',
      'x-real-ip': '192.0.2.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'relais.example',
      'x-request-id': 'id-1',
    })
    const stopped = ['forwarded', 'x-forwarded-for', 'x-served-by', 'x-accel-redirect', 'x-relais-signature', 'cookie', 'authorization']
    expect(stopped.filter((name) => name in headers)).toEqual([])
  })

  it('gives a request without an id one, and passes on that one instead of a bad one', async () => {
    const response = await service.request('/api/data', { headers: { 'x-request-id': 'not an id' } })
    expect(database.asked[0]!.headers['x-request-id']).toMatch(UUID)
    expect(response.headers.get('x-request-id')).toBe(database.asked[0]!.headers['x-request-id'])
  })

  it('brings back the headers that travel, and no other', async () => {
    const secret = {
      'x-accel-redirect': '@primary',
      'x-powered-by': 'us',
      'set-cookie': 'a=b',
      connection: 'close',
      'cache-control': 'max-age=60',
    }
    database.answer = { status: 200, headers: { ...JSON_TYPE, ...WAY, ...secret, 'retry-after': '7' }, body: '{}' }
    const { headers } = await service.request('/api/data')
    expect([...headers.keys()].toSorted()).toEqual([
      'cache-control',
      'content-type',
      'retry-after',
      'server-timing',
      'x-request-id',
      'x-served-by',
      'x-session-token',
    ])
    expect(headers.get('x-session-token')).toBe('1:42')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('puts itself before the database in X-Served-By and Server-Timing', async () => {
    const { headers } = await service.request('/api/data')
    expect(headers.get('x-served-by')).toBe('backend2, db1')
    expect(headers.get('server-timing')).toMatch(/^backend2;dur=\d+\.\d\d, db1;dur=0\.10$/)
  })

  it('that fails says so for certain: a read never wrote', async () => {
    database.answer = 'cut'
    const response = await service.request('/api/data')
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:upstream-cut', definite: true })
    expect(database.asked).toHaveLength(1)
  })
})

describe('a write', () => {
  it('crosses as our JSON, whatever form it had', async () => {
    database.answer = { status: 201, headers: { ...JSON_TYPE, ...WAY, location: '/api/data/1' }, body: '{"id":1}' }
    const response = await post('/api/data', ' { "value" : "\\u0061" } ')
    expect([response.status, response.headers.get('location')]).toEqual([201, '/api/data/1'])
    expect(database.asked[0]).toMatchObject({
      method: 'POST',
      url: '/api/data',
      body: '{"message":"a"}',
      headers: { 'content-type': 'application/json' },
    })
  })

  it.each([
    ['PUT', '{"message":"a"}'],
    ['DELETE', null],
  ])('takes along the conditions of a %s, which the database judges', async (method, body) => {
    const conditions = { 'if-match': '"old"', 'if-none-match': '*' }
    await service.request('/api/data/7', { method, body, headers: { ...JSON_TYPE, ...conditions } })
    expect(database.asked[0]!.headers).toMatchObject(conditions)
  })

  it('keeps its client’s idempotency key, and shows it', async () => {
    const response = await post('/api/data', '{"message":"a"}', { 'idempotency-key': 'mine' })
    expect(database.asked[0]!.headers['idempotency-key']).toBe('mine')
    expect(response.headers.get('idempotency-key')).toBe('mine')
  })

  it.each([
    ['POST', '/api/data', '{"message":"a"}'],
    ['PUT', '/api/data/7', '{"message":"a"}'],
    ['DELETE', '/api/data/7', undefined],
    ['POST', '/save', '{"message":"a"}'],
  ])('%s %s without a key gets one of its own, and shows it', async (method, path, body) => {
    const request = { method, ...(body !== undefined && { body, headers: JSON_TYPE }) }
    const keys = [await service.request(path, request), await service.request(path, request)].map(({ headers }) =>
      headers.get('idempotency-key'),
    )
    expect(keys[0]).toMatch(UUID)
    expect(keys[1]).not.toBe(keys[0])
    expect(database.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(keys)
  })

  it('shows its key also when its outcome is unknown, so that it can be repeated', async () => {
    database.answer = 'cut'
    const response = await post('/api/data', '{"message":"a"}')
    expect(response.status).toBe(502)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:upstream-cut', definite: false })
    expect(response.headers.get('idempotency-key')).toBe(database.asked[0]!.headers['idempotency-key'])
  })

  it('shows its key also when the database cannot be reached, and says that nothing was done', async () => {
    await database.close()
    const response = await post('/api/data', '{"message":"a"}', { 'idempotency-key': 'mine' })
    expect([response.status, response.headers.get('idempotency-key')]).toEqual([503, 'mine'])
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:upstream-unavailable', definite: true })
  })

  it('gets the database’s problem untouched, under its key', async () => {
    const problem =
      '{"type":"urn:relais:problem:replication-timeout","title":"T","status":504,"detail":"d","definite":false,"requestId":"r","extra":[1]}'
    database.answer = { status: 504, headers: { 'content-type': 'application/problem+json', 'retry-after': '1', ...WAY }, body: problem }
    for (const path of ['/api/data', '/save']) {
      const response = await post(path, '{"message":"a"}', { 'idempotency-key': 'mine' })
      expect([response.status, await response.text()]).toEqual([504, problem])
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'application/problem+json',
        'retry-after': '1',
        'idempotency-key': 'mine',
        'x-served-by': 'backend2, db1',
      })
    }
  })

  it('that removes is answered 204 without a body', async () => {
    database.answer = { status: 204, headers: WAY }
    const response = await service.request('/api/data/7', { method: 'DELETE' })
    expect([response.status, await response.text(), response.headers.get('x-session-token')]).toEqual([204, '', '1:42'])
  })
})

describe('the report’s POST /save', () => {
  it('answers in the recorded shape, and no other', async () => {
    database.answer = { status: 200, headers: { ...JSON_TYPE, ...WAY }, body: `{"message":"Donnée 'Test data' sauvegardée sur DB 1"}` }
    const response = await post('/save', '{"message": "Test data"}')
    expect(await response.text()).toBe(
      `{"db_response":{"message":"Donnée 'Test data' sauvegardée sur DB 1"},"server_id":2,"status":"success"}`,
    )
    expect([response.status, response.headers.get('x-session-token'), response.headers.get('content-type')]).toEqual([
      200,
      '1:42',
      'application/json',
    ])
    expect(database.asked[0]).toMatchObject({ url: '/save', body: '{"message":"Test data"}' })
  })
})

describe('what is invalid', () => {
  it.each([
    ['GET', '/api/data?limit=0', 400],
    ['GET', '/api/data?before=x', 400],
    ['GET', '/api/data/x', 400],
    ['PUT', '/api/data/0', 400],
    ['DELETE', '/api/data/-1', 400],
    ['POST', '/api/data', 415],
    ['PATCH', '/api/data', 405],
    ['GET', '/save', 405],
    ['GET', '/nowhere', 404],
    ['POST', '/api/replicate', 404],
    ['GET', '/api/replicate', 404],
    ['GET', '/primary', 404],
  ])('%s %s is answered %i here: nothing crosses the tier', async (method, path, status) => {
    const response = await service.request(path, { method })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ status, definite: true })
    expect(database.asked).toEqual([])
  })

  it.each([
    ['x-session-token', 'GET', '1'],
    ['idempotency-key', 'DELETE', 'a b'],
  ])('%s is refused here', async (name, method, value) => {
    const response = await service.request('/api/data/7', { method, headers: { [name]: value } })
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:invalid-parameter', detail: expect.stringContaining(name) })
    expect(database.asked).toEqual([])
  })
})

function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return service.request(path, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } })
}
