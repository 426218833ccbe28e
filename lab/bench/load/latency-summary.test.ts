import { describe, expect, it } from 'vitest'
import { summarizeLatencies } from './latency-summary.ts'
import { Tally } from './tally.ts'

describe('the latencies of a run', () => {
  it('have exact percentiles by nearest rank', () => {
    const hundred = Float64Array.from({ length: 100 }, (_, index) => (100 - index) * 1_000)
    expect(summarizeLatencies(hundred)).toEqual({ meanMs: 50.5, p50Ms: 50, p90Ms: 90, p95Ms: 95, p99Ms: 99, maxMs: 100 })
  })

  it('have the next higher rank where there is none of that very share: a measured value, and none that flatters', () => {
    const seven = Float64Array.from([7, 6, 5, 4, 3, 2, 1], (ms) => ms * 1_000)
    expect(summarizeLatencies(seven)).toEqual({ meanMs: 4, p50Ms: 4, p90Ms: 7, p95Ms: 7, p99Ms: 7, maxMs: 7 })
  })

  it('are unknown when nothing was served', () => {
    expect(summarizeLatencies(new Float64Array()).p99Ms).toBeNull()
  })

  it('keep microseconds', () => {
    expect(summarizeLatencies(Float64Array.of(1_234)).p50Ms).toBe(1.234)
  })
})

describe('the tally', () => {
  const ended = { isWrite: false, latencyMs: 1, bytes: 10 }

  it('leaves what was not served out of the latencies', () => {
    const tally = new Tally(3, performance.now())
    tally.end({ ...ended, index: 0, outcome: 'served', latencyMs: 5 })
    tally.end({ ...ended, index: 1, outcome: 'timedOut', latencyMs: 9_000 })
    tally.end({ ...ended, index: 2, outcome: 'refused', latencyMs: 0.1, failure: '503' })
    expect(tally.latency()).toMatchObject({ meanMs: 5, maxMs: 5 })
    expect(tally.failures).toEqual({ timedOut: 1, 503: 1 })
    expect(tally.bytes).toBe(30)
  })

  it('refuses a request that ends twice, and one that never ended', () => {
    const tally = new Tally(2, performance.now())
    tally.end({ ...ended, index: 0, outcome: 'served' })
    expect(() => tally.end({ ...ended, index: 0, outcome: 'lost' })).toThrow('ended twice')
    expect(() => tally.outcomes(2)).toThrow('never ended')
    expect(tally.outcomes(1).served).toBe(1)
  })
})
