/**
 * The statistics against values that are known from elsewhere: textbooks, closed forms, or an answer built into the data.
 */
import { describe, expect, test } from 'vitest'
import { expectedGain, expectedGainWith } from './expected-gain.ts'
import { agreesWithLittle, requestsInFlight } from './littles-law.ts'
import { meanAndSpread } from './mean-and-spread.ts'
import { isHiddenBy, noiseFloor } from './noise-floor.ts'
import { pairedRatio, unpairedRatio, verdictOf } from './paired-ratio.ts'
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
    expect(meanAndSpread([1, 3])!.deviation).toBeCloseTo(Math.SQRT2, 12)
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
    const [fast, slow] = [300, 100].map((full) => drift.map((speed) => full * speed)) as [number[], number[]]
    const ratio = pairedRatio(fast, slow)!
    expect([ratio.ratio, ratio.low, ratio.high]).toEqual([expect.closeTo(3, 9), expect.closeTo(3, 9), expect.closeTo(3, 9)])
    expect(verdictOf(ratio)).toBe('larger')
    expect(verdictOf(pairedRatio(slow, fast)!)).toBe('smaller')
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

  test('names no winner where all runs were alike', () => {
    expect(verdictOf(pairedRatio([100, 100], [100, 100])!)).toBe('same')
  })

  test('is none for a single pair, and leaves out a pair without a rate', () => {
    expect(pairedRatio([2], [1])).toBeNull()
    expect(pairedRatio([2, 0, 2], [1, 1, 1])).toMatchObject({ pairs: 2 })
    expect(() => pairedRatio([1], [])).toThrow('found 1 of A and 0 of B')
  })
})

describe('a ratio of runs that were not measured in pairs', () => {
  const around = (middle: number, ...logs: readonly number[]): number[] => logs.map((log) => middle * Math.exp(log))

  test('is A/B, and its interval counts the spread of both, as wide as the fewer runs ask for', () => {
    const three = unpairedRatio(around(200, -0.1, 0, 0.1), around(100, -0.1, 0, 0.1))!
    expect(three).toMatchObject({ ratio: expect.closeTo(2, 9) as number, pairs: 3 })
    expect(Math.log(three.high / 2)).toBeCloseTo(4.303 * 0.1 * Math.sqrt(2 / 3), 6)
    expect(three.low * three.high).toBeCloseTo(4, 6)
    const two = unpairedRatio(around(200, -0.1, 0, 0.1), around(100, -0.1, 0.1))!
    expect(Math.log(two.high / 2)).toBeCloseTo(12.706 * 0.1 * Math.sqrt(1 / 3 + 1), 6)
    expect(two.pairs).toBe(2)
  })

  test('has an interval close to that of the normal distribution for many runs', () => {
    const gauss = normalNumbers(6)
    const logs = (): number[] => Array.from({ length: 400 }, () => 0.2 * gauss())
    const ratio = unpairedRatio(around(200, ...logs()), around(100, ...logs()))!
    expect(Math.log(ratio.high / ratio.ratio)).toBeCloseTo(1.96 * 0.2 * Math.sqrt(2 / 400), 2)
    expect(Math.log(ratio.ratio / ratio.low)).toBeCloseTo(1.96 * 0.2 * Math.sqrt(2 / 400), 2)
    expect(ratio.ratio).toBeCloseTo(2, 1)
  })

  test('is none when one side has a single run with a rate', () => {
    expect(unpairedRatio([200, 210], [100])).toBeNull()
    expect(unpairedRatio([200, 0], [100, 110])).toBeNull()
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

  test('counts every request at its own price, at every database that has work with it', () => {
    const priced = { readCpuMs: 0.5, writeAloneCpuMs: 0.25, writeOnPrimaryCpuMs: 0.4, applyOnReplicaCpuMs: 0.2 }
    // One database: 0.8 × 0.5 + 0.2 × 0.25 = 0.45 ms a request. Three together: 0.8 × 0.5 + 0.2 × (0.4 + 2 × 0.2) = 0.56 ms.
    expect(expectedGain(priced, 3, 0.8)).toBeCloseTo((3 * 0.45) / 0.56, 12)
    // With a fifth of the reads the primary has 0.16 ms a request and a replica 0.2 ms; with half of them 0.28 ms and 0.14 ms.
    expect(expectedGainWith(0.2, priced, 3, 0.8)).toBeCloseTo(0.45 / 0.2, 12)
    expect(expectedGainWith(0.5, priced, 3, 0.8)).toBeCloseTo(0.45 / 0.28, 12)
  })

  test('is bounded by a replica, which must apply every write', () => {
    const dear = { readCpuMs: 0.1, writeAloneCpuMs: 0.5, writeOnPrimaryCpuMs: 0.6, applyOnReplicaCpuMs: 2 }
    expect(expectedGain(dear, 3, 0.5)).toBeCloseTo(0.3 / (0.5 * 2), 12)
  })

  test('with a given part of the reads is none without a replica, and none where nothing costs anything', () => {
    const free = { readCpuMs: 0, writeAloneCpuMs: 0, writeOnPrimaryCpuMs: 0, applyOnReplicaCpuMs: 0 }
    expect(expectedGainWith(0.5, costs, 1, 0.8)).toBeNull()
    expect(expectedGainWith(0.5, free, 3, 0.8)).toBeNull()
    expect(expectedGainWith(0.5, costs, 2, 0.8)).toBeCloseTo(1 / 0.6, 12)
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

  test('agrees with a concurrency that is a quarter off, and with none that is farther, to either side', () => {
    expect([76, 124].map((latencyMs) => agreesWithLittle(1_000, latencyMs, 100))).toEqual([true, true])
    expect([74, 126].map((latencyMs) => agreesWithLittle(1_000, latencyMs, 100))).toEqual([false, false])
  })
})
