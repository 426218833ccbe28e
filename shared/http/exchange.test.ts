/** An answer names the request, the way and the time, once and in the same words at every tier. */
import { describe, expect, it } from 'vitest'
import { Exchange } from './exchange.ts'
import { Problem } from './problem.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('an exchange', () => {
  it.each(['a', 'A-z_0.9', 'x'.repeat(64)])('takes the client’s request id %j', (asked) => {
    expect(new Exchange('db1', asked).requestId).toBe(asked)
  })

  it.each([undefined, '', 'x'.repeat(65), 'a b', 'é', 'a\r\nset-cookie: x', '<script>', 'a/b'])(
    'makes a request id of its own instead of %j',
    (asked) => {
      const { requestId } = new Exchange('db1', asked)
      expect(requestId).toMatch(UUID)
      expect(new Exchange('db1', asked).requestId).not.toBe(requestId)
    },
  )

  it('names itself as the only instance when nobody stands behind it', () => {
    const { headers } = new Exchange('db1', 'id').answer(200, 'body', {})
    expect(headers.get('x-request-id')).toBe('id')
    expect(headers.get('x-served-by')).toBe('db1')
    expect(headers.get('server-timing')).toMatch(/^db1;dur=\d+\.\d\d$/)
    expect(headers.get('connection')).toBeNull()
  })

  it.each([
    ['ASCII', 'a'.repeat(70_000), 70_000],
    ['three bytes a character', '中'.repeat(30_000), 90_000],
    ['bytes', new Uint8Array(70_000), 70_000],
    ['nothing', null, 0],
  ])('knows how many bytes a large body of %s has', (_, body, bytes) => {
    const exchange = new Exchange('db1', 'id')
    exchange.answer(200, body, {})
    expect(exchange.bodyLength).toBe(bytes)
  })

  it('puts itself before the way of the next tier’s answer', () => {
    const exchange = new Exchange('frontend2', 'id')
    exchange.passedThrough({ 'x-served-by': 'backend1, db3', 'server-timing': 'backend1;dur=1.20, db3;dur=0.10' })
    const { headers } = exchange.answer(200, null, {})
    expect(headers.get('x-served-by')).toBe('frontend2, backend1, db3')
    expect(headers.get('server-timing')).toMatch(/^frontend2;dur=\d+\.\d\d, backend1;dur=1\.20, db3;dur=0\.10$/)
  })

  it('names only itself when the next tier’s answer says nothing of its way', () => {
    const exchange = new Exchange('frontend2', 'id')
    exchange.passedThrough({})
    expect(exchange.servedBy).toBe('frontend2')
    expect(exchange.serverTiming).toMatch(/^frontend2;dur=\d+\.\d\d$/)
  })

  it('asks its peer to reconnect while the service is stopping', () => {
    expect(new Exchange('db1', 'id', () => true).json(200, {}).headers.get('connection')).toBe('close')
  })

  it.each([
    ['an answer', (exchange: Exchange) => exchange.answer(200, 'body', {})],
    ['JSON', (exchange: Exchange) => exchange.json(200, {})],
    ['a problem', (exchange: Exchange) => exchange.problem(new Problem('not-found'))],
  ])('lets no cache keep %s about which nothing was said', (_, answer) => {
    expect(answer(new Exchange('db1', 'id')).headers.get('cache-control')).toBe('no-store')
  })

  it('says once how long an answer may be kept that may be', () => {
    const { headers } = new Exchange('frontend1', 'id').answer(200, 'body', { 'cache-control': 'public, max-age=60' })
    expect(headers.get('cache-control')).toBe('public, max-age=60')
  })

  it('hands a request over without a Cache-Control, which Nginx would add to that of the answer it gives in the end', () => {
    const { status, headers } = new Exchange('db2', 'id').handOver('@primary')
    expect([status, headers.get('x-accel-redirect'), headers.get('content-length')]).toEqual([503, '@primary', '0'])
    expect(headers.get('cache-control')).toBeNull()
  })

  it('answers JSON as application/json', async () => {
    const response = new Exchange('db1', 'id').json(201, { id: 7 }, { location: '/api/data/7' })
    expect([response.status, response.headers.get('content-type'), response.headers.get('location')]).toEqual([
      201,
      'application/json',
      '/api/data/7',
    ])
    expect(await response.json()).toEqual({ id: 7 })
  })

  it('answers a problem as problem+json with the problem’s headers and the request id', async () => {
    const problem = new Problem('overloaded', { headers: { 'X-Accel-Redirect': '@primary' } })
    const response = new Exchange('db1', 'id').problem(problem, { vary: 'Accept' })
    expect(response.status).toBe(503)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '1',
      'x-accel-redirect': '@primary',
      vary: 'Accept',
      'x-request-id': 'id',
      'x-served-by': 'db1',
    })
    expect(await response.json()).toMatchObject({ requestId: 'id', status: 503 })
  })
})
