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

  it.each([
    // Two reads a processor while the server has room for them.
    [100, 2, 4, 4],
    [1000, 8, 4, 16],
    // A service has its half of what people leave: 13 connections, of which two are for inserts and the monitor.
    [50, 64, 3, 8],
    [24, 2, 1, 1],
  ])('are, of %i connections on %i processors, %i for changes and %i for reads', (connectionsMax, processors, changes, reads) => {
    expect(poolSizes({ connectionsMax, connectionsReserved: 3 }, processors)).toEqual({ inserts: 1, changes, reads, monitor: 1 })
  })
})
