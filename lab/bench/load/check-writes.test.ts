import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkWrites } from './check-writes.ts'
import { playSystem, type PlayedSystem } from './played-system.ts'
import { WriteLedger } from './write-ledger.ts'

const AT = '2026-01-01T00:00:00.000Z'
let databases: PlayedSystem[]
let ledger: WriteLedger

beforeEach(async () => {
  databases = await Promise.all([playSystem(), playSystem(), playSystem()])
  ledger = new WriteLedger(10)
})
afterEach(() => Promise.all(databases.map((database) => database.close())))

const urls = (): string[] => databases.map(({ url }) => url)

function write(id: number, { acknowledged = true, isWarmUp = false } = {}): void {
  ledger.begin(`m${id}`, isWarmUp)
  if (acknowledged) ledger.acknowledge(`m${id}`, id)
}

function store(id: number, message = `m${id}`, into = databases): void {
  for (const { records } of into) records.push({ id, message, origin: 'DB1', createdAt: AT, updatedAt: AT })
}

describe('after a run', () => {
  it('all is well when every acknowledged write is in every database once, over several pages', async () => {
    for (let id = 11; id <= 2_510; id++) {
      write(id)
      store(id)
    }
    expect(await checkWrites(ledger, urls())).toEqual({ acknowledged: 2_500, missing: 0, repeated: 0, unacknowledgedPresent: 0 })
  })

  it('a write that one database lacks is missing', async () => {
    for (const id of [11, 12, 13]) write(id)
    for (const id of [11, 13]) store(id)
    store(12, 'm12', databases.slice(0, 2))
    expect(await checkWrites(ledger, urls())).toMatchObject({ acknowledged: 3, missing: 1 })
  })

  it('a write that is there under another id than acknowledged is missing', async () => {
    write(11)
    store(12, 'm11')
    expect(await checkWrites(ledger, urls())).toMatchObject({ missing: 1 })
  })

  it('a write that one database has twice is repeated, acknowledged or not', async () => {
    write(11)
    write(12, { acknowledged: false })
    store(11)
    store(12)
    store(13, 'm11', databases.slice(2))
    store(14, 'm12', databases.slice(2))
    expect(await checkWrites(ledger, urls())).toEqual({ acknowledged: 1, missing: 0, repeated: 2, unacknowledgedPresent: 1 })
  })

  it('a write without an answer may be there or not', async () => {
    write(11, { acknowledged: false })
    write(12, { acknowledged: false })
    write(13, { acknowledged: false })
    store(12)
    store(13, 'm13', databases.slice(0, 1))
    expect(await checkWrites(ledger, urls())).toEqual({ acknowledged: 0, missing: 0, repeated: 0, unacknowledgedPresent: 2 })
  })

  it('the writes of a warm-up are looked for and not counted', async () => {
    write(11, { isWarmUp: true })
    write(12)
    store(12)
    expect(await checkWrites(ledger, urls())).toMatchObject({ acknowledged: 1, missing: 1 })
  })

  it('a database that cannot be read is an error and not an empty one', async () => {
    const [first, second] = urls()
    await databases[2]!.close()
    await expect(checkWrites(ledger, [first!, second!, databases[2]!.url])).rejects.toThrow('ECONNREFUSED')
  })
})
