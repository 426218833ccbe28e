import { describe, expect, it } from 'vitest'
import { poolSizes } from './pool-sizes.ts'

describe('the sizes of the pools', () => {
  it.each([
    [100, 2],
    [100, 64],
    [50, 8],
    [1000, 8],
  ])('of two services stay below %i connections on %i processors', (connectionsMax, processors) => {
    const { inserts, changes, reads, monitor } = poolSizes({ connectionsMax, connectionsReserved: 3 }, processors)
    expect(2 * (inserts + changes + reads + monitor)).toBeLessThan(connectionsMax - 3)
    expect(Math.min(inserts, changes, reads, monitor)).toBeGreaterThanOrEqual(1)
  })
})
