import { describe, expect, it } from 'vitest'
import { lastReached, measureGeneratorLimit } from './generator-limit.ts'

describe('the limit of the generators', () => {
  it('is a rate for each of them, all answers checked and right', { timeout: 120_000 }, async () => {
    const limit = await measureGeneratorLimit(20)
    expect(limit.closedLoopPerSecond).toBeGreaterThan(0)
    expect(limit.openLoopPerSecond).toBeGreaterThan(0)
  })

  it.each([
    [5_000, 4_500],
    [2_000, 2_000],
    [1_999, 1_333],
    [100, 78],
    [10, 0],
  ])('of a generator that can do %i/s is %i/s, the last step that it took and not the one that it failed', async (can, limit) => {
    expect(Math.floor(await lastReached(async (rate) => (rate <= can ? rate : 0)))).toBe(limit)
  })

  it('is not looked for when the bench was stopped', async () => {
    await expect(measureGeneratorLimit(20, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})
