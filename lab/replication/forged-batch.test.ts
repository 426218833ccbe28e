/** What the lab may send in a primary's name, held against the replica that it is sent to. */
import { describe, expect, it } from 'vitest'
import { fromRow, type BatchMessage, type LogPage } from '@relais/stage1-memory/replication/messages.ts'
import { pageOf } from '@relais/stage1-memory/replication/show-log.ts'
import { ReplicatedList, type Receipt } from '@relais/stage1-memory/store/replicated-list.ts'
import { batchAfter, type Forgery } from './forged-batch.ts'

const ENTRIES_MAX = 100
const HONEST: Forgery = { damaged: false }

function primaryOf(entries: number, epoch = 1): ReplicatedList {
  const list = new ReplicatedList()
  list.beginEpoch(epoch)
  for (let n = 1; n <= entries; n++) list.commit({ type: 'insert', message: `message ${n}`, origin: 'DB1', atMs: n })
  return list
}

const pageAfter = (primary: ReplicatedList, after: number): LogPage => pageOf(primary, ENTRIES_MAX, after)
const send = (replica: ReplicatedList, batch: BatchMessage): Receipt => replica.receive({ ...batch, entries: batch.entries.map(fromRow) })

/** A primary and a replica that is level with it. */
function pair(entries: number, epoch?: number): { primary: ReplicatedList; replica: ReplicatedList } {
  const primary = primaryOf(entries, epoch)
  const replica = new ReplicatedList()
  expect(send(replica, batchAfter(0, pageAfter(primary, 0), HONEST))).toEqual({ accepted: true })
  return { primary, replica }
}

describe('a batch sent by hand', () => {
  it('that repeats what the replica has is accepted, and changes nothing', () => {
    const { primary, replica } = pair(5)
    const before = replica.records.toArray()
    expect(send(replica, batchAfter(2, pageAfter(primary, 2), HONEST))).toEqual({ accepted: true })
    expect(replica.records.toArray()).toEqual(before)
    expect(replica.position).toEqual(primary.position)
  })

  it('that begins beyond the end of the log is a gap', () => {
    const { primary, replica } = pair(5)
    const batch = batchAfter(50, pageAfter(primary, 50), HONEST)
    expect(batch.entries).toEqual([])
    expect(send(replica, batch)).toEqual({ accepted: false, reason: 'gap', last: { epoch: 1, lsn: 5 } })
  })

  it('with one bit turned round is found to be damaged, also where the replica has the entry already', () => {
    const { primary, replica } = pair(5)
    expect(send(replica, batchAfter(2, pageAfter(primary, 2), { damaged: true }))).toMatchObject({ accepted: false, reason: 'damaged' })
    expect(replica.position).toEqual(primary.position)
  })

  it('in the name of an older epoch comes from a primary of the past', () => {
    const { primary, replica } = pair(5, 3)
    expect(send(replica, batchAfter(4, pageAfter(primary, 4), { damaged: false, epoch: 2 }))).toMatchObject({ reason: 'stale-epoch' })
  })

  it('names the epoch that wrote the position which it follows', () => {
    const { primary } = pair(2)
    primary.beginEpoch(4)
    primary.commit({ type: 'insert', message: 'new', origin: 'DB1', atMs: 9 })
    const previousOf = (after: number): unknown => batchAfter(after, pageAfter(primary, after), HONEST).previous
    expect([0, 2, 3, 9].map(previousOf)).toEqual([
      { epoch: 0, lsn: 0 },
      { epoch: 1, lsn: 2 },
      { epoch: 4, lsn: 3 },
      { epoch: 4, lsn: 9 },
    ])
  })
})
