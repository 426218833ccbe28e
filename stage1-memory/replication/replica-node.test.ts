/** A replica's own rules: when it is ready, whom it believes, and what becomes of writes that the primary does not know. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { ReplicatedList } from '../store/replicated-list.ts'
import { messageIn } from '../test/message-in.ts'
import { BatchCache } from './batch-cache.ts'
import { cutSnapshot, SnapshotAssembly } from './snapshot.ts'
import { ReplicaNode } from './replica-node.ts'

let dataDir: string
let list: ReplicatedList
let batches: BatchCache

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'relais-replica-'))
  list = primaryList(1)
  batches = new BatchCache(list)
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dataDir, { recursive: true, force: true })
})

describe('a replica', () => {
  it('is not ready before it has heard from the primary, nor before it was level with it', () => {
    const replica = node()
    expect(replica.notReadyBecause()).toBe('no word from db1 yet')
    insert(list, 3)
    const half = { ...messageIn(batches.after(0)!), headLsn: 5 }
    replica.take(half)
    expect(replica.notReadyBecause()).toBe('catching up with the primary')
    insert(list, 2)
    replica.take(messageIn(batches.after(3)!))
    expect(replica.notReadyBecause()).toBeUndefined()
  })

  it('that restarted empty is not made ready by a batch that was written out for another one long ago', () => {
    insert(list, 3)
    batches.after(0)
    insert(list, 97)
    const replica = node()
    replica.take(messageIn(batches.after(0)!))
    expect(replica.position).toEqual({ epoch: 1, lsn: 3 })
    expect(replica.notReadyBecause()).toBeDefined()
    expect(replica.holdings().wasLevel).toBe(false)
    expect(replica.upstream().lagRecords).toBe(97)
  })

  it('stays ready when it falls behind again, and says how far', () => {
    const replica = node()
    insert(list, 1)
    replica.take(messageIn(batches.after(0)!))
    insert(list, 2)
    replica.take({ ...messageIn(batches.after(1)!), entries: messageIn(batches.after(1)!).entries.slice(0, 1) })
    expect(replica.notReadyBecause()).toBeUndefined()
    expect(replica.upstream()).toMatchObject({ state: 'streaming', lagRecords: 1 })
  })

  it('says how long ago it was level, and of a primary that is silent that it cannot be reached', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    const replica = node()
    expect(replica.upstream()).toMatchObject({ state: 'unreachable', lagMs: null })
    insert(list, 3)
    const message = messageIn(batches.after(0)!)
    replica.take({ ...message, entries: message.entries.slice(0, 1) })
    expect(replica.upstream()).toMatchObject({ state: 'catching-up', lagRecords: 2, lagMs: null })
    replica.take(messageIn(batches.after(1)!))
    expect(replica.upstream()).toMatchObject({ state: 'streaming', lagRecords: 0, lagMs: 0 })
    vi.setSystemTime(Date.now() + 500)
    replica.take(messageIn(batches.after(3)!))
    vi.setSystemTime(Date.now() + 2_000)
    expect(replica.upstream()).toMatchObject({ state: 'streaming', lagRecords: 0, lagMs: 0 })
    vi.setSystemTime(Date.now() + 1)
    expect(replica.upstream()).toMatchObject({ state: 'unreachable', lagRecords: 0, lagMs: 2_001 })
    insert(list, 1)
    replica.take({ ...messageIn(batches.after(3)!), entries: [] })
    expect(replica.upstream()).toMatchObject({ state: 'streaming', lagRecords: 1, lagMs: 2_001 })
  })

  it('refuses a gap, and says where to go on', () => {
    const replica = node()
    insert(list, 5)
    const [batch, members] = [messageIn(batches.after(3)!), { reason: 'gap', last: { epoch: 0, lsn: 0 }, expected: 1 }]
    expect(() => replica.take(batch)).toThrow(expect.objectContaining({ slug: 'replication-conflict', members }))
    expect(replica.position).toEqual({ epoch: 0, lsn: 0 })
  })

  it('refuses a changed entry, and takes nothing of its batch', () => {
    const replica = node()
    insert(list, 3)
    const message = messageIn(batches.after(0)!)
    const [first, second, third] = message.entries
    const changed = [...second!.slice(0, 6), 'other', ...second!.slice(7)] as typeof second
    expect(() => replica.take({ ...message, entries: [first!, changed!, third!] })).toThrow(/damaged/)
    expect(replica.records.size).toBe(0)
  })

  it('believes no primary of an older epoch, neither its batches nor its snapshots', () => {
    const replica = node()
    const newer = primaryList(2)
    insert(newer, 1)
    replica.take(messageIn(new BatchCache(newer).after(0)!))
    insert(list, 5)
    expect(() => replica.take(messageIn(batches.after(0)!))).toThrow(/stale-epoch/)
    for (const part of cutSnapshot(list.snapshot())) expect(() => replica.take(part)).toThrow(/stale-epoch/)
    expect(replica.position).toEqual({ epoch: 2, lsn: 1 })
    expect(replica.upstream()).toMatchObject({ state: 'streaming', lagRecords: 0 })
  })

  it('keeps what it took since when an old snapshot of the same epoch arrives late', () => {
    const replica = node()
    insert(list, 3)
    const late = cutSnapshot(list.snapshot())
    for (const part of late) replica.take(part)
    insert(list, 4)
    replica.take(messageIn(batches.after(3)!))
    for (const part of late) replica.take(part)
    expect(replica.position).toEqual({ epoch: 1, lsn: 7 })
    expect(replica.records.size).toBe(7)
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('keeps in a private file the writes that a new primary’s history lacks', () => {
    const replica = node()
    insert(list, 5)
    replica.take(messageIn(batches.after(0)!))
    const newer = new ReplicatedList()
    newer.install({ ...list.snapshot(), lsn: 3, records: list.records.toArray().slice(0, 3), nextId: 4 })
    newer.beginEpoch(2)
    insert(newer, 1)
    expect(() => replica.take(messageIn(new BatchCache(newer).probe()))).toThrow(/diverged/)
    expect(replica.upstream()).toMatchObject({ state: 'catching-up', lagRecords: null })
    for (const part of cutSnapshot(newer.snapshot())) replica.take(part)
    expect(replica.records.toArray()).toEqual(newer.records.toArray())
    expect(replica.upstream()).toMatchObject({ state: 'streaming', lagRecords: 0 })
    const [file, ...others] = readdirSync(dataDir)
    expect(file).toMatch(/^discarded-2-\d+\.ndjson$/)
    expect(others).toEqual([])
    expect(statSync(join(dataDir, file!)).mode & 0o777).toBe(0o600)
    const kept = readFileSync(join(dataDir, file!), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { lsn: number; epoch: number })
    expect(kept.map(({ epoch, lsn }) => [epoch, lsn])).toEqual([
      [1, 4],
      [1, 5],
    ])
  })

  it('keeps its list as long as it cannot keep what would be discarded, and takes the snapshot when it can', () => {
    const replica = node()
    insert(list, 1)
    replica.take(messageIn(batches.after(0)!))
    const newer = primaryList(2)
    insert(newer, 2)
    rmSync(dataDir, { recursive: true })
    expect(() => cutSnapshot(newer.snapshot()).forEach((part) => replica.take(part))).toThrow('ENOENT')
    expect(replica.records.toArray()).toEqual(list.records.toArray())
    mkdirSync(dataDir)
    for (const part of cutSnapshot(newer.snapshot())) replica.take(part)
    expect(replica.records.toArray()).toEqual(newer.records.toArray())
    expect(readdirSync(dataDir)).toHaveLength(1)
  })

  it('gives a primary that lost its list its own in parts, as it was when the first one was asked for', () => {
    const replica = node()
    insert(list, 3)
    replica.take(messageIn(batches.after(0)!))
    const before = replica.list.snapshot()
    const assembly = new SnapshotAssembly()
    expect(assembly.add(replica.snapshotPart(0))).toBe('incomplete')
    insert(list, 1)
    replica.take(messageIn(batches.after(3)!))
    expect(assembly.add(replica.snapshotPart(1))).toEqual(before)
    for (const part of [1, -1, Number.NaN])
      expect(() => replica.snapshotPart(part)).toThrow(expect.objectContaining({ slug: 'invalid-parameter' }))
    expect(replica.snapshotPart(0)).toMatchObject({ lsn: 4, part: 0 })
  })

  it('of one mechanism takes no message of the other', () => {
    insert(list, 1)
    const [entry] = list.log.entriesKeptAfter(0)
    expect(() => node().take({ kind: 'entry', entry: entry! })).toThrow(/log mode/)
    const fanOut = new ReplicaNode({ mechanism: 'fan-out', primaryName: 'db1', dataDir, log: SILENT_LOG })
    expect(() => fanOut.take(messageIn(batches.after(0)!))).toThrow(/fan-out mode/)
  })
})

describe('waiting for a position', () => {
  it('ends as soon as it is reached and not before, and at once when it is there', async () => {
    const replica = node()
    const over: number[] = []
    const waited = [1, 2].map((lsn) => replica.reach({ epoch: 1, lsn }, 20_000).finally(() => over.push(lsn)))
    for (const lsn of [1, 2]) {
      insert(list, 1)
      replica.take(messageIn(batches.after(lsn - 1)!))
      expect(await waited[lsn - 1]).toBe(true)
      expect(over).toEqual([1, 2].slice(0, lsn))
    }
    for (const lsn of [1, 2]) expect(await replica.reach({ epoch: 1, lsn }, 0)).toBe(true)
  })

  it('ends in vain when the time is over', async () => {
    expect(await node().reach({ epoch: 1, lsn: 1 }, 5)).toBe(false)
  })

  it('is refused at once when too many wait already', async () => {
    const replica = node()
    insert(list, 1)
    const waiting = Array.from({ length: 4_096 }, () => replica.reach({ epoch: 1, lsn: 1 }, 20_000))
    expect(await replica.reach({ epoch: 1, lsn: 1 }, 20_000)).toBe(false)
    replica.take(messageIn(batches.after(0)!))
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([true]))
  })

  it('keeps no place for those whose time is over', async () => {
    const replica = node()
    const inVain = Array.from({ length: 4_096 }, () => replica.reach({ epoch: 1, lsn: 1 }, 0))
    expect(new Set(await Promise.all(inVain))).toEqual(new Set([false]))
    insert(list, 1)
    const waited = replica.reach({ epoch: 1, lsn: 1 }, 20_000)
    replica.take(messageIn(batches.after(0)!))
    expect(await waited).toBe(true)
  })
})

describe('a fan-out replica', () => {
  it('is ready from the start, and knows of no lag: nobody tells it what it lacks', () => {
    const replica = new ReplicaNode({ mechanism: 'fan-out', primaryName: 'db1', dataDir, log: SILENT_LOG })
    expect(replica.notReadyBecause()).toBeUndefined()
    expect(replica.upstream()).toMatchObject({ name: 'db1', state: 'streaming', position: '0:0', lagRecords: null, lagMs: null })
  })

  it('appends what arrives as it arrives: out of order, and twice', () => {
    const replica = new ReplicaNode({ mechanism: 'fan-out', primaryName: 'db1', dataDir, log: SILENT_LOG })
    insert(list, 3)
    const [one, two, three] = list.log.entriesKeptAfter(0)
    for (const entry of [three!, one!]) replica.take({ kind: 'entry', entry })
    expect(replica.position).toEqual({ epoch: 1, lsn: 1 })
    replica.take({ kind: 'entry', entry: two! })
    expect(replica.position).toEqual({ epoch: 1, lsn: 3 })
    replica.take({ kind: 'entry', entry: two! })
    expect(replica.records.toArray().map(({ id }) => id)).toEqual([3, 1, 2, 2])
    expect(replica.position).toEqual({ epoch: 1, lsn: 0 })
    expect(replica.details()).toEqual({ arrivals: 4 })
  })
})

function node(): ReplicaNode {
  return new ReplicaNode({ mechanism: 'log', primaryName: 'db1', dataDir, log: SILENT_LOG })
}

function primaryList(epoch: number): ReplicatedList {
  const made = new ReplicatedList()
  made.beginEpoch(epoch)
  return made
}

function insert(into: ReplicatedList, count: number): void {
  for (let n = 1; n <= count; n++) into.commit({ type: 'insert', message: `message ${into.log.lsn + 1}`, origin: 'DB1', atMs: n })
}
