/**
 * The statistics against values that are known from elsewhere: textbooks, closed forms, or an answer built into the data.
 */
import { describe, expect, test } from 'vitest'
import { expectedGain, expectedGainWith } from './expected-gain.ts'
import { agreesWithLittle, requestsInFlight } from './littles-law.ts'
import { meanAndSpread } from './mean-and-spread.ts'
import { isHiddenBy, noiseFloor } from './noise-floor.ts'
import { inverted, pairedRatio, verdictOf } from './paired-ratio.ts'
import { seededRandom } from './seeded-random.ts'
import { fitScalability, rateAt } from './universal-scalability.ts'

function normalNumbers(seed: number): () => number {
  const random = seededRandom(seed)
  return () => Math.sqrt(-2 * Math.log(random() || 1e-12)) * Math.cos(2 * Math.PI * random())
}

describe('mean and spread', () => {
  test('are those of the sample, with n − 1', () => {
    const { mean, deviation } = meanAndSpread([2, 4, 4, 4, 5, 5, 7, 9])!
    expect(mean).toBe(5)
    expect(deviation).toBeCloseTo(Math.sqrt(32 / 7), 12)
  })

  test('claim no spread from one value, and nothing from none', () => {
    expect(meanAndSpread([7])).toEqual({ mean: 7, deviation: null, count: 1 })
    expect(meanAndSpread([])).toBeNull()
  })
})

describe('a paired ratio', () => {
  test('is the geometric mean: twice and half cancel, and no winner is named', () => {
    const ratio = pairedRatio([200, 50], [100, 100])!
    expect(ratio.ratio).toBeCloseTo(1, 12)
    // Student's t for two values: 12.706 standard errors to each side.
    expect(Math.log(ratio.high)).toBeCloseTo(12.706 * Math.LN2, 6)
    expect(ratio.low * ratio.high).toBeCloseTo(1, 9)
    expect(verdictOf(ratio)).toBe('same')
  })

  test('is untouched by a drift that slows both runs of a pair', () => {
    const drift = [1, 0.8, 0.5, 0.3, 0.9]
    const ratio = pairedRatio(
      drift.map((speed) => 300 * speed),
      drift.map((speed) => 100 * speed),
    )!
    expect([ratio.ratio, ratio.low, ratio.high]).toEqual([expect.closeTo(3, 9), expect.closeTo(3, 9), expect.closeTo(3, 9)])
    expect(verdictOf(ratio)).toBe('larger')
    expect(verdictOf(inverted(ratio))).toBe('smaller')
  })

  test.each([3, 12, 20, 30])('has an interval from %i pairs that holds the truth 95 times in 100', (pairs) => {
    const gauss = normalNumbers(5)
    const tries = 4_000
    let held = 0
    for (let n = 0; n < tries; n++) {
      const { low, high } = pairedRatio(
        Array.from({ length: pairs }, () => Math.exp(0.3 * gauss())),
        Array.from({ length: pairs }, () => 1),
      )!
      if (low <= 1 && 1 <= high) held++
    }
    expect(held / tries).toBeGreaterThan(0.94)
    expect(held / tries).toBeLessThan(0.96)
  })

  test('has an interval close to that of the normal distribution for many pairs', () => {
    const gauss = normalNumbers(4)
    const logs = Array.from({ length: 400 }, () => 0.5 + 0.2 * gauss())
    const { mean, deviation } = meanAndSpread(logs)!
    const ratio = pairedRatio(
      logs.map((value) => Math.exp(value)),
      logs.map(() => 1),
    )!
    const half = (1.96 * deviation!) / Math.sqrt(400)
    expect(Math.log(ratio.low)).toBeCloseTo(mean - half, 2)
    expect(Math.log(ratio.high)).toBeCloseTo(mean + half, 2)
  })

  test('is the same for the same measurements', () => {
    expect(pairedRatio([5, 6, 7], [4, 6, 5])).toEqual(pairedRatio([5, 6, 7], [4, 6, 5]))
  })

  test('is none for a single pair, and leaves out a pair without a rate', () => {
    expect(pairedRatio([2], [1])).toBeNull()
    expect(pairedRatio([2, 0, 2], [1, 1, 1])).toMatchObject({ pairs: 2 })
    expect(() => pairedRatio([1], [])).toThrow('found 1 of A and 0 of B')
  })
})

describe('the noise floor', () => {
  test('is sound when the same is told to be the same, and is its far end', () => {
    const floor = noiseFloor([100, 96, 104], [100, 100, 100])!
    expect(floor.isSound).toBe(true)
    expect(floor.factor).toBeCloseTo(Math.max(floor.ratio.high, 1 / floor.ratio.low), 9)
  })

  test('is not sound when the same shows a difference', () => {
    expect(noiseFloor([110, 111, 112], [100, 100, 100])!.isSound).toBe(false)
    expect(noiseFloor([1], [1])).toBeNull()
    // Half and double are hidden by the same floor, or by none.
    const coarse = noiseFloor([150, 100, 130], [100, 140, 125])!
    const edge = Math.max(coarse.ratio.high, 1 / coarse.ratio.low)
    expect([edge * 1.01, edge * 0.99, 1.01 / edge, 0.99 / edge].map((ratio) => isHiddenBy(coarse, ratio))).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})

describe('the scalability fit', () => {
  const law = { lambda: 1_000, sigma: 0.05, kappa: 0.002 }
  const points = [1, 2, 3, 4, 8, 16].map((n) => ({ n, rate: (1_000 * n) / (1 + 0.05 * (n - 1) + 0.002 * n * (n - 1)) }))

  test('finds the coefficients that the points were made from, and the peak', () => {
    const fit = fitScalability(points)!
    expect(fit.lambda).toBeCloseTo(law.lambda, 6)
    expect(fit.sigma).toBeCloseTo(law.sigma, 9)
    expect(fit.kappa).toBeCloseTo(law.kappa, 9)
    expect(fit.peak).toBeCloseTo(Math.sqrt(0.95 / 0.002), 6)
    expect(fit.rSquared).toBeCloseTo(1, 9)
    expect(fit.isInterpolation).toBe(false)
    expect(rateAt(fit, 5)).toBeCloseTo(5_000 / (1 + 0.2 + 0.04), 6)
  })

  test('of perfect scaling has no contention, no coherency and no peak', () => {
    const fit = fitScalability([1, 2, 3].map((n) => ({ n, rate: 500 * n })))!
    expect(fit).toMatchObject({ sigma: 0, kappa: 0, peak: null, isInterpolation: true })
    expect(fit.lambda).toBeCloseTo(500, 9)
  })

  test('never has a negative coefficient, also when scaling is better than linear', () => {
    const fit = fitScalability([1, 2, 3, 4].map((n) => ({ n, rate: 100 * n ** 1.3 })))!
    expect(Math.min(fit.sigma, fit.kappa)).toBeGreaterThanOrEqual(0)
    expect(fit.peak).toBeNull()
  })

  test('is none from two sizes, however often they were measured', () => {
    expect(fitScalability([1, 2, 1, 2].map((n) => ({ n, rate: n })))).toBeNull()
    expect(fitScalability([{ n: 1, rate: 0 }])).toBeNull()
  })
})

describe('the expected gain', () => {
  const costs = { readCpuMs: 1, writeAloneCpuMs: 1, writeOnPrimaryCpuMs: 1, applyOnReplicaCpuMs: 1 }

  test('of reads alone is the number of databases, and of writes alone is none', () => {
    expect(expectedGain(costs, 3, 1)).toBeCloseTo(3, 12)
    expect(expectedGain(costs, 3, 0)).toBeCloseTo(1, 12)
  })

  test('of the 80/20 mix is 3 / 1.4 when applying costs as much as writing', () => {
    expect(expectedGain(costs, 3, 0.8)).toBeCloseTo(3 / 1.4, 12)
  })

  test('is bounded by the primary, which can give no write away', () => {
    const dear = { ...costs, writeAloneCpuMs: 4, writeOnPrimaryCpuMs: 4, applyOnReplicaCpuMs: 0 }
    expect(expectedGain(dear, 3, 0.8)).toBeCloseTo(1.6 / 0.8, 12)
    expect(expectedGain({ readCpuMs: 0, writeAloneCpuMs: 0, writeOnPrimaryCpuMs: 0, applyOnReplicaCpuMs: 0 }, 3, 0.8)).toBeNull()
  })

  test('is smaller when the primary is given reads beside its writes, and the ideal when it is given as many as it has room for', () => {
    const cheap = { ...costs, applyOnReplicaCpuMs: 0 }
    // All three then have the same to do: 0.2 + 0.8 x = 0.4 (1 - x).
    expect(expectedGainWith(1 / 6, cheap, 3, 0.8)).toBeCloseTo(expectedGain(cheap, 3, 0.8)!, 12)
    expect(expectedGainWith(0.5, cheap, 3, 0.8)).toBeCloseTo(1 / 0.6, 12)
    expect(expectedGainWith(0, cheap, 3, 0.8)).toBeCloseTo(1 / 0.4, 12)
  })

  test('of writes alone is a loss when the primary has to send each of them to replicas', () => {
    expect(expectedGain({ ...costs, writeOnPrimaryCpuMs: 1.5 }, 3, 0)).toBeCloseTo(1 / 1.5, 12)
    expect(expectedGain({ ...costs, writeOnPrimaryCpuMs: 1.5 }, 1, 0)).toBe(1)
  })
})

describe("Little's law", () => {
  test('finds the concurrency of the figures in section 6', () => {
    expect(requestsInFlight(2_326, 433.7)).toBeCloseTo(1_008.8, 1)
    expect(agreesWithLittle(2_326, 433.7, 100)).toBe(false)
    expect(agreesWithLittle(1_994, 250.67, 500)).toBe(true)
  })
})
