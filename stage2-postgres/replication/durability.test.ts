import { describe, expect, it } from 'vitest'
import { canConfirm, readSynchronousStandbys, setDurabilityBy, synchronousStandbyNames } from './durability.ts'

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
    ['*', 'quorum', 1],
    ['ANY 2 ("*")', 'quorum', 2],
  ])('%j means %s with %i to confirm', (setting, durability, needed) => {
    expect(readSynchronousStandbys(setting)).toMatchObject({ durability, needed })
  })

  it.each(['*', 'FIRST 1 (*)', 'ANY 1 (DB2, "Db3")', 'db3'])('%j is confirmed by db3', (setting) => {
    expect(canConfirm(readSynchronousStandbys(setting), 'db3')).toBe(true)
    expect(canConfirm(readSynchronousStandbys(setting), 'db4')).toBe(setting.includes('*'))
  })

  it.each([
    ['local', 'async', 0],
    ['off', 'async', 0],
    ['remote_write', 'quorum', 1],
    ['remote_apply', 'quorum', 1],
  ])('with synchronous_commit = %s means %s', (commit, durability, needed) => {
    expect(readSynchronousStandbys('ANY 1 ("db2", "db3")', commit)).toMatchObject({ durability, needed })
  })
})

describe('a change of durability', () => {
  const NAMES = 'ANY 1 ("db2", "db3")'

  /** A server whose sessions hear of it at the third look. */
  function lateServer(isWritten: boolean): { asked: string[]; ask: (statement: string) => Promise<string> } {
    const asked: string[] = []
    let looks = 0
    let isAsked = false
    const ask = async (statement: string): Promise<string> => {
      // What comes next needs what came before: a reload reads the file that ALTER SYSTEM writes.
      expect(isAsked).toBe(false)
      isAsked = true
      await new Promise((resolve) => setImmediate(resolve))
      isAsked = false
      asked.push(statement.trim().split(' ').slice(0, 2).join(' '))
      if (statement.startsWith('SHOW')) return ++looks < 3 ? '' : NAMES
      return String(isWritten)
    }
    return { asked, ask }
  }

  const WAIT = ['SHOW synchronous_standby_names', 'SHOW synchronous_standby_names', 'SHOW synchronous_standby_names', 'CHECKPOINT']

  it('is over when sessions know of it, and the checkpointer does', async () => {
    const { asked, ask } = lateServer(false)
    await setDurabilityBy(ask, 'quorum', ['db2', 'db3'])
    expect(asked.slice(1)).toEqual(['ALTER SYSTEM', 'ALTER SYSTEM', 'SELECT pg_reload_conf()', ...WAIT])
  })

  it.each([
    ['async', '', 'local'],
    ['quorum', NAMES, 'on'],
    ['all', 'FIRST 2 ("db2", "db3")', 'on'],
  ] as const)('to %s is written as the standbys %j and synchronous_commit = %s', async (durability, names, commit) => {
    const written: string[] = []
    const ask = async (statement: string): Promise<string> => {
      if (statement.startsWith('ALTER')) written.push(statement)
      return statement.startsWith('SHOW') ? names : 'false'
    }
    await setDurabilityBy(ask, durability, ['db2', 'db3'])
    expect(written).toEqual([
      `ALTER SYSTEM SET synchronous_standby_names = '${names}'`,
      `ALTER SYSTEM SET synchronous_commit = '${commit}'`,
    ])
  })

  it('that was cut off is waited for when it is asked for again', async () => {
    const { asked, ask } = lateServer(true)
    await setDurabilityBy(ask, 'quorum', ['db2', 'db3'])
    expect(asked.slice(1)).toEqual(WAIT)
  })
})
