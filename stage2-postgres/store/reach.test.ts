import { describe, expect, it } from 'vitest'
import { Reach } from './reach.ts'

describe('reaching a position', () => {
  it('asks once for all who wait, until the last of them is there', async () => {
    let replayed = 0
    let polls = 0
    const reach = new Reach(async () => {
      polls++
      return (replayed += 10)
    })
    const waits = await Promise.all(Array.from({ length: 100 }, (_, n) => reach.wait(n % 50, 5_000)))
    expect(waits.every(Boolean)).toBe(true)
    expect(polls).toBeLessThanOrEqual(6)
  })

  it('is there at that very position, and not before it', async () => {
    const reach = new Reach(async () => 10)
    expect(await Promise.all([reach.wait(10, 20), reach.wait(11, 20)])).toEqual([true, false])
  })

  it('gives up at its timeout, and counts a failed question as "not yet"', async () => {
    const reach = new Reach(() => Promise.reject(new Error('away')))
    expect(await reach.wait(1, 20)).toBe(false)
  })
})
