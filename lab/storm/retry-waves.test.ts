/** The waves in which clients come back: what no jitter keeps together, and what jitter costs. */
import { describe, expect, it } from 'vitest'
import { BIN_MS, JITTERS, retryWaves, type Jitter, type Waves } from './retry-waves.ts'

const waves = (jitter: Jitter, seed = 7): Waves =>
  retryWaves({ jitter, clients: 200, outageMs: 3_000, backoff: { baseMs: 100, capMs: 3_200 }, seed })

describe('clients that one failure hit', () => {
  it('stay together without jitter: every wave is all of them', () => {
    const { bins, calls, callsInVain, highestWave } = waves('none')
    const times = bins.flatMap((count, bin) => (count > 0 ? [[bin * BIN_MS, count]] : []))
    expect(times).toEqual([100, 300, 700, 1_500, 3_100].map((atMs) => [atMs, 200]))
    expect([calls, callsInVain, highestWave]).toEqual([1_000, 800, 200])
  })

  it.each([1, 2, 3, 4, 5])('come in lower waves the more is drawn (seed %i)', (seed) => {
    const [none, equal, full] = JITTERS.map((jitter) => waves(jitter, seed).highestWave)
    expect(equal).toBeLessThan(none! / 3)
    expect(full).toBeLessThan(equal!)
  })

  it('call more often with full jitter, whose delays are half as long', () => {
    expect(waves('full').callsInVain).toBeGreaterThan(waves('none').callsInVain)
  })

  it('all come back once the server is there, each with one call more', () => {
    for (const jitter of JITTERS) {
      const { bins, calls, callsInVain } = waves(jitter)
      expect(calls - callsInVain).toBe(200)
      expect(bins.reduce((sum, count) => sum + count, 0)).toBe(calls)
    }
  })

  it('do the same again with the same seed, and something else with another', () => {
    expect(waves('full')).toEqual(waves('full'))
    expect(waves('full', 8).bins).not.toEqual(waves('full').bins)
  })

  it('do not retry when there was no outage', () => {
    expect(retryWaves({ jitter: 'full', clients: 5, outageMs: 0, backoff: { baseMs: 100, capMs: 100 }, seed: 1 })).toEqual({
      bins: [],
      calls: 0,
      callsInVain: 0,
      highestWave: 0,
    })
  })
})
