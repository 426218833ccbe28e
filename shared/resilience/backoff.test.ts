/** The delays are the documented distribution: a claim about randomness is tested as one, with a seeded generator. */
import { describe, expect, it } from 'vitest'
import { backoffBoundMs, fullJitterMs } from './backoff.ts'

const BACKOFF = { baseMs: 100, capMs: 2_000 }
const DRAWS = 5_000
/** The 1 % point of the Kolmogorov distribution: D above this would reject uniformity. */
const D_MAX = 1.628 / Math.sqrt(DRAWS)

describe('exponential backoff', () => {
  it.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [5, 1_600],
    [6, 2_000],
    [7, 2_000],
    [5_000, 2_000],
  ])('allows at most min(cap, base · 2^(n-1)) after attempt %i: %i ms', (attempt, boundMs) => {
    expect(backoffBoundMs(BACKOFF, attempt)).toBe(boundMs)
  })

  it.each([1, 2, 4, 6, 40])('draws the delay after attempt %i uniformly from [0, bound)', (attempt) => {
    const random = seededRandom(attempt)
    const boundMs = backoffBoundMs(BACKOFF, attempt)
    const delaysMs = Array.from({ length: DRAWS }, () => fullJitterMs(BACKOFF, attempt, random))
    expect(Math.min(...delaysMs)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...delaysMs)).toBeLessThan(boundMs)
    expect(distanceFromUniform(delaysMs, boundMs)).toBeLessThan(D_MAX)
  })

  it('is tested by a distance that tells full jitter from a delay that is only stretched', () => {
    const random = seededRandom(1)
    const stretchedMs = Array.from({ length: DRAWS }, () => 50 * (1 + random()))
    expect(distanceFromUniform(stretchedMs, 100)).toBeGreaterThan(10 * D_MAX)
  })

  it('may come back at once, and never after the bound itself', () => {
    expect(fullJitterMs(BACKOFF, 3, () => 0)).toBe(0)
    expect(fullJitterMs(BACKOFF, 3, () => 1 - Number.EPSILON)).toBeLessThan(400)
  })
})

/** Kolmogorov and Smirnov's D: the largest distance between the drawn and the uniform distribution function. */
function distanceFromUniform(delaysMs: number[], boundMs: number): number {
  const ascending = delaysMs.toSorted((a, b) => a - b)
  return Math.max(
    ...ascending.map((delayMs, index) => {
      const uniform = delayMs / boundMs
      return Math.max(uniform - index / DRAWS, (index + 1) / DRAWS - uniform)
    }),
  )
}

/** Mulberry32: small, and the same numbers on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
