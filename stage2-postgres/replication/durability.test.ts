import { describe, expect, it } from 'vitest'
import { readSynchronousStandbys, synchronousStandbyNames } from './durability.ts'

describe('synchronous_standby_names', () => {
  it.each(['async', 'quorum', 'all'] as const)('written for %s is read as the same word', (durability) => {
    expect(readSynchronousStandbys(synchronousStandbyNames(durability, ['db2', 'db3'])).durability).toBe(durability)
  })

  it.each([
    ['', 'async', 0],
    ['ANY 1 ("db2", "db3")', 'quorum', 1],
    ['FIRST 2 ("db2", "db3")', 'all', 2],
    ['db2', 'all', 1],
    ['db2, db3', 'quorum', 1],
    ['2 (db2, db3)', 'all', 2],
    ['any 2 (db2,db3,db4)', 'quorum', 2],
  ])('%j means %s with %i to confirm', (setting, durability, needed) => {
    expect(readSynchronousStandbys(setting)).toMatchObject({ durability, needed })
  })
})
