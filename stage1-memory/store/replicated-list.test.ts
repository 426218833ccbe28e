/** A node's whole state, message by message: what a replica takes, what it refuses, and that taking it makes the primary's state. */
import { beforeEach, describe, expect, it } from 'vitest'
import { sealEntry, type LogEntry, type Operation } from './operation.ts'
import { ReplicatedList, type Batch } from './replicated-list.ts'

let primary: ReplicatedList
let replica: ReplicatedList

beforeEach(() => {
  primary = listOf(1)
  replica = new ReplicatedList()
})

describe('a batch', () => {
  it('makes of what the primary wrote the same records, keys and next id', () => {
    const [one, two] = [commit(insert('one', 'a')).id, commit(insert('two')).id]
    commit({ type: 'replace', message: 'changed', atMs: 2, key: 'b' }, one)
    commit({ type: 'remove', atMs: 3, key: 'c' }, two)
    expect(replica.receive(batchAfter(0))).toEqual({ accepted: true })
    expect(replica.snapshot()).toEqual(primary.snapshot())
    expect(replica.records.toArray()).toEqual([{ id: 1, message: 'changed', origin: 'DB1', createdAtMs: 1, updatedAtMs: 2 }])
    expect(replica.keys.get('b', 3)).toMatchObject({ type: 'replace', id: 1, lsn: 3, message: 'changed', createdAtMs: 1, atMs: 2 })
    expect(replica.keys.get('c', 3)).toMatchObject({ type: 'remove', id: 2, lsn: 4, message: null, createdAtMs: 1, origin: 'DB1' })
    expect(replica.nextId).toBe(3)
  })

  it('that comes again is taken without effect, whole or overlapping', () => {
    for (const message of ['one', 'two', 'three']) commit(insert(message))
    const first = { ...batchAfter(0), entries: entries().slice(0, 2) }
    for (const batch of [first, first, batchAfter(1), batchAfter(0), first]) expect(replica.receive(batch)).toEqual({ accepted: true })
    expect(replica.snapshot()).toEqual(primary.snapshot())
  })

  it.each<[string, (batch: Batch) => Batch, string]>([
    ['begins behind a gap', (batch) => ({ ...batch, previous: { epoch: 1, lsn: 3 }, entries: batch.entries.slice(1) }), 'gap'],
    ['follows another history', (batch) => ({ ...batch, previous: { epoch: 2, lsn: 2 }, epoch: 3 }), 'diverged'],
    ['is of an older epoch', (batch) => ({ ...batch, epoch: 0 }), 'stale-epoch'],
    ['lacks an entry in the middle', (batch) => ({ ...batch, entries: batch.entries.toSpliced(1, 1) }), 'damaged'],
    [
      'has a changed last entry',
      (batch) => ({ ...batch, entries: [...batch.entries.slice(0, 2), { ...batch.entries[2]!, id: 9 }] }),
      'damaged',
    ],
  ])('that %s is refused, and nothing of it is taken', (_, change, reason) => {
    for (const message of ['one', 'two', 'three', 'four', 'five']) commit(insert(message))
    replica.receive({ ...batchAfter(0), entries: entries().slice(0, 2) })
    const before = replica.snapshot()
    expect(replica.receive(change(batchAfter(2)))).toEqual({ accepted: false, reason, last: { epoch: 1, lsn: 2 } })
    expect(replica.snapshot()).toEqual(before)
  })

  it('that writes a position otherwise than the replica holds it is refused, also at its last', () => {
    for (const message of ['one', 'two']) commit(insert(message))
    replica.receive(batchAfter(0))
    const other = { ...batchAfter(0), epoch: 2, entries: [entries()[0]!, sealEntry(2, 2, 2, insert('other'))] }
    expect(replica.receive(other)).toMatchObject({ accepted: false, reason: 'diverged' })
    expect(replica.position).toEqual({ epoch: 1, lsn: 2 })
  })

  it('of a new epoch that ends before what the replica holds is refused: the rest is not of that history', () => {
    for (const message of ['one', 'two']) commit(insert(message))
    replica.receive(batchAfter(0))
    const newer = { epoch: 2, previous: { epoch: 1, lsn: 1 }, entries: [], headLsn: 1 }
    expect(replica.receive(newer)).toEqual({ accepted: false, reason: 'diverged', last: { epoch: 1, lsn: 2 } })
    expect(replica.receive({ ...newer, previous: { epoch: 1, lsn: 2 }, headLsn: 2 })).toEqual({ accepted: true })
    expect(replica.position).toEqual({ epoch: 2, lsn: 2 })
  })
})

it('an epoch begins once, and above all that were', () => {
  for (const epoch of [0, 1]) expect(() => primary.beginEpoch(epoch)).toThrow(`epoch ${epoch} is not above 1`)
  primary.beginEpoch(3)
  expect(primary.position).toEqual({ epoch: 3, lsn: 0 })
})

describe('being whole', () => {
  it('is to have been level in the epoch, or to hold an entry of it', () => {
    for (const message of ['one', 'two', 'three']) commit(insert(message))
    const inEpochTwo = (upToLsn: number): Batch => ({ ...batchAfter(0), epoch: 2, entries: entries().slice(0, upToLsn) })
    expect(replica.isWhole).toBe(true)
    replica.receive(inEpochTwo(2))
    expect(replica.isWhole).toBe(false)
    replica.receive(inEpochTwo(3))
    expect(replica.isWhole).toBe(true)
    const behind = new ReplicatedList()
    behind.receive({ epoch: 2, previous: { epoch: 0, lsn: 0 }, entries: [sealEntry(2, 1, 1, insert('first'))], headLsn: 9 })
    expect(behind.isWhole).toBe(true)
  })
})

describe('a snapshot', () => {
  it('installed is the state it was made of, to be written on, whatever was there before', () => {
    commit(insert('one', 'a'))
    commit(insert('two'))
    commit({ type: 'remove', atMs: 2 }, 2)
    const other = listOf(3)
    other.commit(insert('mine', 'x'))
    primary.beginEpoch(4)
    other.install(primary.snapshot())
    expect(other.snapshot()).toEqual(primary.snapshot())
    expect(other.isWhole).toBe(true)
    expect(other.keys.get('x', 1)).toBeUndefined()
    other.beginEpoch(5)
    expect(other.commit(insert('three'))).toMatchObject({ epoch: 5, lsn: 4, id: 3 })
  })

  it('that brings nothing new is without effect: the log stays', () => {
    for (const message of ['one', 'two']) commit(insert(message))
    replica.receive(batchAfter(0))
    replica.install(primary.snapshot())
    expect(replica.log.entriesKeptAfter(0)).toEqual(entries())
  })

  it('lets the log after it be as short as it was made to be', () => {
    const short = new ReplicatedList(2)
    commit(insert('one'))
    short.install(primary.snapshot())
    for (let n = 2; n <= 9; n++) short.commit(insert(`${n}`))
    expect(short.log.entriesKeptAfter(0).length).toBeLessThan(4)
  })
})

function listOf(epoch: number): ReplicatedList {
  const list = new ReplicatedList()
  list.beginEpoch(epoch)
  return list
}

function commit(operation: Operation, id?: number): LogEntry {
  return primary.commit(operation, id)
}

function entries(): LogEntry[] {
  return primary.log.entriesKeptAfter(0)
}

function batchAfter(lsn: number): Batch {
  return { epoch: 1, previous: { epoch: primary.log.epochAt(lsn)!, lsn }, entries: entries().slice(lsn), headLsn: primary.log.lsn }
}

function insert(message: string, key?: string): Operation {
  return { type: 'insert', message, origin: 'DB1', atMs: 1, ...(key !== undefined && { key }) }
}
