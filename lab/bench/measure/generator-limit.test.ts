import { describe, expect, it } from 'vitest'
import { measureGeneratorLimit } from './generator-limit.ts'

describe('the limit of the generators', () => {
  it('is a rate for each of them, all answers checked and right', { timeout: 120_000 }, async () => {
    const limit = await measureGeneratorLimit(20)
    expect(limit.closedLoopPerSecond).toBeGreaterThan(0)
    expect(limit.openLoopPerSecond).toBeGreaterThan(0)
  })

  it('is not looked for when the bench was stopped', async () => {
    await expect(measureGeneratorLimit(20, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})
