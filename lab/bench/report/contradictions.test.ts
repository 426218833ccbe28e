/** Each objection is upheld by a record that bears it out, and by no other. */
import { describe, expect, test } from 'vitest'
import { exampleRecord } from '../../test/support/example-record.ts'
import type { BenchRecord, Repetition } from '../results/bench-record.ts'
import { contradictionsOf, type Contradiction } from './contradictions.ts'

/** The numbers are those that the objections begin with. */
function objection(number: 1 | 2 | 3 | 4 | 6, changes: Partial<BenchRecord> = {}): Contradiction {
  return contradictionsOf(exampleRecord(changes))[number - 1]!
}

function each(change: (one: Repetition) => Partial<Repetition>): Partial<BenchRecord> {
  return { repetitions: exampleRecord().repetitions.map((one) => ({ ...one, ...change(one) })) }
}

describe('an objection', () => {
  test('to two gains under one load is upheld unless an interval has room for both', () => {
    const gains = (...ratios: readonly number[]): Partial<BenchRecord> =>
      each(({ load, configuration, run, goodputPerSecond }) => {
        const light = configuration === 'balanced' ? 100 * ratios[run - 1]! : 100
        return { brokenBecause: null, goodputPerSecond: load === 'light' ? light : goodputPerSecond }
      })
    // The claimed ones are 1.206 and 1.418.
    expect(objection(1, gains(1.3, 1.31, 1.3)).standing).toBe('upheld')
    const both = objection(1, gains(1.2, 1.4, 1.3))
    expect(both).toMatchObject({ standing: 'inconclusive', measured: expect.stringMatching(/^\+29\.7 % \[\+7\.1, \+57\.1\]/) as string })
    // Room for one of them only.
    expect(objection(1, gains(1.2, 1.21, 1.2)).standing).toBe('upheld')
    expect(objection(1, gains(1.4, 1.42, 1.43)).standing).toBe('upheld')
  })

  test('to failures that count as requests is upheld by one run that answered more than it served', () => {
    const raised = (runs: number): Partial<BenchRecord> => {
      let left = runs
      return each(({ goodputPerSecond, brokenBecause }) => ({
        throughputPerSecond: goodputPerSecond * (brokenBecause === null && left-- > 0 ? 1.01 : 1.0005),
      }))
    }
    expect(objection(2, raised(0))).toMatchObject({
      standing: 'inconclusive',
      measured: expect.stringContaining('in 0 of 47 runs') as string,
    })
    expect(objection(2, raised(1))).toMatchObject({ standing: 'upheld', measured: expect.stringContaining('in 1 of 47 runs') as string })
  })

  test('to reads in place of the mix is upheld when their intervals lie apart, whichever gains more', () => {
    const capacity = exampleRecord().capacity!
    const { readsThreeAgainstOne: reads, mixThreeAgainstOne: mix } = capacity
    expect(objection(3)).toMatchObject({ standing: 'upheld', measured: expect.stringMatching(/reads 2\.90 .* mix 1\.99 /) as string })
    expect(objection(3, { capacity: { ...capacity, readsThreeAgainstOne: mix, mixThreeAgainstOne: reads } }).standing).toBe('upheld')
    expect(objection(3, { capacity: { ...capacity, mixThreeAgainstOne: reads } }).standing).toBe('inconclusive')
  })

  test('by Little’s law is upheld when most of our own runs obey it', () => {
    const late = (runs: number): Partial<BenchRecord> => {
      let left = runs
      return each(({ latency }) => ({ brokenBecause: null, latency: left-- > 0 ? { ...latency, meanMs: latency.meanMs! * 2 } : latency }))
    }
    const measured = 'but not in the report’s light test'
    expect(objection(4, late(23))).toEqual({
      objection: expect.anything() as string,
      standing: 'upheld',
      measured: `the law holds in 25 of our 48 runs, ${measured}`,
    })
    expect(objection(4, late(24))).toMatchObject({ standing: 'inconclusive' })
    expect(
      objection(
        4,
        each(() => ({ loop: 'open' })),
      ),
    ).toMatchObject({ standing: 'inconclusive', measured: `the law holds in 0 of our 0 runs, ${measured}` })
  })

  test('to shared cores is upheld when own shares gain more, and withdrawn when they gain less', () => {
    const { repetitions } = exampleRecord()
    const shared = (factor: number): Partial<BenchRecord> => ({
      repetitions: [
        ...repetitions,
        ...repetitions.map((one) => ({
          ...one,
          cpuPerInstance: null,
          goodputPerSecond: one.goodputPerSecond * (one.configuration === 'balanced' ? factor : 1),
        })),
      ],
    })
    expect([0.5, 1, 2].map((factor) => objection(6, shared(factor)).standing)).toEqual(['upheld', 'inconclusive', 'not upheld'])
    expect(objection(6, shared(0.5)).measured).toContain('own share +70.6 % [+51.8, +91.7], shared cores −14.7 % [')
    expect(objection(6)).toMatchObject({ standing: 'inconclusive', measured: 'needs both kinds in one run: –' })
  })
})
