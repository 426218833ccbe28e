/** Metrics are text that Prometheus reads, and do not grow with what clients ask for. */
import { describe, expect, it } from 'vitest'
import { testService } from '../test/test-service.ts'
import { Metrics } from './metrics.ts'

describe('metrics', () => {
  it('count each request under its method, route and status', async () => {
    const metrics = new Metrics('stage1', 'db1', () => 0)
    for (const durationMs of [0.4, 3, 40]) metrics.requests.observe('GET', '/api/data', 200, durationMs)
    metrics.requests.observe('POST', '/api/data', 503, 2_000)
    const text = await metrics.text()
    expect(text).toMatch(
      /relais_http_request_duration_seconds_count\{(?=.*method="GET")(?=.*route="\/api\/data")(?=.*status="200")(?=.*instance="db1").*\} 3/,
    )
    expect(text).toMatch(/relais_http_request_duration_seconds_bucket\{(?=.*le="0\.005")(?=.*method="GET").*\} 2/)
    expect(text).toMatch(/relais_http_request_duration_seconds_sum\{(?=.*method="POST")(?=.*status="503").*\} 2\n/)
  })

  it('read a gauge when somebody asks, and keep counters by label', async () => {
    let inFlight = 1
    const metrics = new Metrics('stage1', 'db1', () => inFlight)
    metrics.counter('relais_given_up_total', 'Given up.', ['replica']).inc({ replica: 'db2' }, 2)
    inFlight = 7
    expect(await metrics.text()).toMatch(/relais_http_requests_in_flight\{.*\} 7/)
    expect(await metrics.text()).toMatch(/relais_given_up_total\{.*replica="db2".*\} 2/)
  })

  it('forget a labelled value that is no longer told', async () => {
    const metrics = new Metrics('stage1', 'db1', () => 0)
    let samples = [
      { labels: { replica: 'db2' }, value: 3 },
      { labels: { replica: 'db3' }, value: 0 },
    ]
    metrics.gauges('relais_lag', 'Lag.', ['replica'], async () => samples)
    expect(await metrics.text()).toMatch(/relais_lag\{.*replica="db2".*\} 3/)
    samples = samples.slice(1)
    const text = await metrics.text()
    expect(text).not.toContain('replica="db2"')
    expect(text).toMatch(/relais_lag\{.*replica="db3".*\} 0/)
  })

  it('have as many routes as the service, however many paths are asked for', async () => {
    const service = testService('db1')
    const paths = [
      '/api/data/1',
      '/api/data/2',
      '/api/data/x/y',
      '/nowhere',
      '/../etc',
      '/api/dat',
      '/%00',
      ...Array.from({ length: 300 }, (_, n) => `/made-up-${n}`),
    ]
    for (const path of paths) await service.request(path)
    const response = await service.request('/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain')
    const routes = new Set([...(await response.text()).matchAll(/route="([^"]*)"/g)].map(([, route]) => route))
    expect(routes).toEqual(new Set(['/api/data/:id', 'other']))
  })
})
