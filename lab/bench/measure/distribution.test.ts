import { describe, expect, it } from 'vitest'
import { topologyOf } from '../../topology.ts'
import { distributionFromCounters, distributionFromLog } from './distribution.ts'
import { countBetween, parseCounters } from './service-counters.ts'

const TOPOLOGY = topologyOf('stage1')

function line(isRead: boolean, ...ports: readonly number[]) {
  return { requestId: 'r', isRead, status: 200, tries: ports.map((port) => ({ address: `127.0.0.1:${port}`, status: 200 })) }
}

describe('the distribution over the databases', () => {
  it('counts a request for the last database that was asked, and a read that moved as moved', () => {
    const reads = [line(true, 18_008), line(true, 18_008, 18_007), line(true, 18_009), line(true)]
    const lines = [...reads, line(false, 18_007), line(false, 18_007, 18_007)]
    expect(distributionFromLog(TOPOLOGY, lines)).toEqual({
      reads: { db1: 1, db2: 1, db3: 1 },
      writes: { db1: 2, db2: 0, db3: 0 },
      moved: 1,
    })
  })

  it('is the databases own count where there is no load balancer', () => {
    const single = topologyOf('stage1', { single: true })
    const counted = new Map([['db1', { reads: 8, writes: 2, readsServed: 8, writesServed: 2 }]])
    expect(distributionFromCounters(single, counted)).toEqual({ reads: { db1: 8 }, writes: { db1: 2 }, moved: 0 })
  })
})

const METRICS = `# TYPE relais_http_request_duration_seconds histogram
relais_http_request_duration_seconds_bucket{le="0.001",method="GET",route="/api/data",status="200",stage="stage1",instance="db1"} 7
relais_http_request_duration_seconds_count{method="GET",route="/api/data",status="200",stage="stage1",instance="db1"} 70
relais_http_request_duration_seconds_count{method="GET",route="/api/data",status="503",stage="stage1",instance="db1"} 3
relais_http_request_duration_seconds_count{method="POST",route="/api/data",status="201",stage="stage1",instance="db1"} 20
relais_http_request_duration_seconds_count{method="POST",route="/api/replicate",status="200",stage="stage1",instance="db1"} 900
relais_http_request_duration_seconds_count{method="GET",route="/metrics",status="200",stage="stage1",instance="db1"} 5
`

describe('the counters of a service', () => {
  it('are those of records, served and not, and of no other route', () => {
    expect(parseCounters(METRICS)).toEqual({ reads: 73, readsServed: 70, writes: 20, writesServed: 20 })
  })

  it('are a difference of two looks, unknown after a restart or without an answer', () => {
    const count = (reads: number, writes: number) => ({ reads, readsServed: reads - 1, writes, writesServed: writes - 2 })
    const before = new Map([
      ['db1', count(5, 10)],
      ['idle', count(5, 10)],
      ['reads', count(5, 10)],
      ['writes', count(5, 10)],
      ['silent', undefined],
    ])
    const after = new Map([
      ['db1', { reads: 9, readsServed: 7, writes: 30, writesServed: 21 }],
      ['idle', count(5, 10)],
      // Begun anew, and with one kind already farther than before.
      ['reads', count(2, 40)],
      ['writes', count(40, 2)],
      ['silent', count(9, 9)],
      ['new', count(9, 9)],
    ])
    expect(Object.fromEntries(countBetween(before, after))).toEqual({
      db1: { reads: 4, readsServed: 3, writes: 20, writesServed: 13 },
      idle: { reads: 0, readsServed: 0, writes: 0, writesServed: 0 },
      reads: undefined,
      writes: undefined,
      silent: undefined,
      new: undefined,
    })
  })
})
