/** What every service does around its routes: health, admission, errors, and a log line for each request. */
import { describe, expect, it, vi } from 'vitest'
import { recordingLog } from '../test/recording-log.ts'
import { testService } from '../test/test-service.ts'
import { Problem } from './problem.ts'
import type { ServiceContext } from './service.ts'

describe('a service', () => {
  it('lives, and is ready as long as nothing speaks against it', async () => {
    let reason: string | undefined
    const service = testService('db2', { notReadyBecause: async () => reason })
    expect(await (await service.request('/livez')).json()).toEqual({ status: 'ok', name: 'db2' })
    expect(await (await service.request('/readyz')).json()).toEqual({ status: 'ready', name: 'db2' })
    reason = 'catching up'
    const response = await service.request('/readyz')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:not-ready', detail: 'catching up', definite: true })
    expect((await service.request('/livez')).status).toBe(200)
  })

  it('that drains is not ready, and asks each peer to reconnect', async () => {
    const service = testService('db2')
    service.drain()
    const response = await service.request('/readyz')
    expect([response.status, response.headers.get('connection')]).toEqual([503, 'close'])
    expect((await service.request('/livez')).headers.get('connection')).toBe('close')
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'answers 405 with Allow to %s on a path that has other methods',
    async (method) => {
      const service = testService('db1')
      const response = await service.request('/livez', { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
      expect(await response.json()).toMatchObject({
        type: 'urn:relais:problem:method-not-allowed',
        detail: `found ${method}, expected one of GET, HEAD`,
      })
    },
  )

  it('lists in Allow what the path has, and nothing else', async () => {
    const service = testService('db1')
    service.app.put('/thing/:id', (c) => c.env.exchange.json(200, {}))
    service.app.delete('/thing/:id', (c) => c.env.exchange.json(200, {}))
    const response = await service.request('/thing/7')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'PUT, DELETE'])
  })

  it('answers HEAD like GET, without a body', async () => {
    const response = await testService('db1').request('/livez', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it.each(['/nowhere', '/livez/', '//livez', '/api/%E0%A4%A', '/%00'])('answers 404 to %s', async (path) => {
    const response = await testService('db1').request(`http://service.test${path}`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:not-found' })
  })

  it('answers 414 to a request line above 8 KiB, before any route sees it', async () => {
    const service = testService('db1')
    const handler = vi.fn<(c: ServiceContext) => Response>((c) => c.env.exchange.json(200, {}))
    service.app.get('/long', handler)
    expect((await service.request(`/long?${'x'.repeat(8 * 1024 - 6)}`)).status).toBe(200)
    expect((await service.request(`/long?${'x'.repeat(8 * 1024)}`)).status).toBe(414)
    expect(handler).toHaveBeenCalledTimes(1)
  })

  it('refuses work above its bound with 503, but still tells its health, and recovers', async () => {
    const service = testService('db1', { inFlightMax: 2 })
    const release = Promise.withResolvers<void>()
    service.app.get('/slow', async (c) => (await release.promise, c.env.exchange.json(200, {})))
    const working = [service.request('/slow'), service.request('/slow')]
    const refused = await service.request('/slow')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await refused.json()).toMatchObject({ type: 'urn:relais:problem:overloaded', definite: true })
    expect((await service.request('/livez')).status).toBe(200)
    expect((await service.request('/metrics')).status).toBe(200)
    release.resolve()
    expect((await Promise.all(working)).map(({ status }) => status)).toEqual([200, 200])
    expect(service.inFlight).toBe(0)
    expect((await service.request('/slow')).status).toBe(200)
  })

  it('answers what a route refuses with the problem it threw', async () => {
    const service = testService('db1')
    service.app.get('/refused', () => {
      throw new Problem('replica-behind', { detail: 'behind', headers: { 'X-Accel-Redirect': '@primary' } })
    })
    const response = await service.request('/refused')
    expect([response.status, response.headers.get('x-accel-redirect')]).toEqual([503, '@primary'])
  })

  it('keeps the text of a defect in its log and answers 500, definite: false', async () => {
    const { log, lines } = recordingLog()
    const service = testService('db1', { log })
    service.app.get('/defect', () => {
      throw new Error('password=secret')
    })
    const response = await service.request('/defect', { headers: { 'x-request-id': 'id-7' } })
    expect(response.status).toBe(500)
    const text = await response.text()
    expect(text).not.toContain('secret')
    expect(JSON.parse(text)).toMatchObject({ type: 'urn:relais:problem:internal-error', definite: false, requestId: 'id-7' })
    expect(lines()).toContainEqual(
      expect.objectContaining({ level: 50, requestId: 'id-7', err: expect.objectContaining({ message: 'password=secret' }) }),
    )
    expect(service.inFlight).toBe(0)
  })

  it('logs each request on a line of its own, with its id, status and way; its health not; a failure as a warning', async () => {
    const { log, lines } = recordingLog()
    const service = testService('db1', { log })
    service.app.get('/busy', () => {
      throw new Problem('store-full')
    })
    for (const path of ['/livez', '/no"where\\', '/busy']) await service.request(path, { headers: { 'x-request-id': 'id-1' } })
    service.flushLog()
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 'info',
        requestId: 'id-1',
        method: 'GET',
        status: 404,
        servedBy: 'db1',
        durationMs: expect.any(Number),
      }),
      expect.objectContaining({ level: 'warn', path: '/busy', status: 503, stage: 'stage1', name: 'db1' }),
    ])
  })
})
