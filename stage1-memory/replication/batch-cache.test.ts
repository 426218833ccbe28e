/** The batches written out once for all replicas: the same ones while they may be needed, and a few of them. */
import { expect, it } from 'vitest'
import { ReplicatedList } from '../store/replicated-list.ts'
import { messageIn } from '../test/message-in.ts'
import { BatchCache } from './batch-cache.ts'

it('writes a batch once for all replicas, and its head anew for each', () => {
  const { batches, write } = open()
  write(3)
  const first = batches.after(0)!
  write(1)
  const again = batches.after(0)!
  expect([first, again]).toMatchObject([
    { endLsn: 3, headLsn: 3 },
    { endLsn: 3, headLsn: 4 },
  ])
  expect(messageIn(first)).toMatchObject({ previous: { epoch: 0, lsn: 0 }, headLsn: 3 })
  expect(messageIn(again)).toEqual({ ...messageIn(first), headLsn: 4 })
  expect(messageIn(again).entries.map(([, lsn]) => lsn)).toEqual([1, 2, 3])
})

it('keeps the four batches written last, and no more', () => {
  const { batches, write } = open()
  for (let lsn = 0; lsn < 5; lsn++) {
    write(1)
    expect(batches.after(lsn)!.endLsn).toBe(lsn + 1)
  }
  // What is kept still ends where the log did then.
  expect([1, 2, 3, 4].map((lsn) => batches.after(lsn)!.endLsn)).toEqual([2, 3, 4, 5])
  expect(batches.after(0)!.endLsn).toBe(5)
})

it('ends a batch at its longest', () => {
  const { batches, write } = open(2)
  write(5)
  expect([0, 2, 4].map((lsn) => batches.after(lsn)!.endLsn)).toEqual([2, 4, 5])
})

it('writes nothing where the log ends, or no longer keeps what follows', () => {
  const { batches, write } = open(1, 2)
  write(4)
  expect(batches.after(4)).toMatchObject({ endLsn: 4, headLsn: 4 })
  expect(messageIn(batches.after(4)!)).toMatchObject({ previous: { epoch: 1, lsn: 4 }, entries: [], headLsn: 4 })
  expect(batches.after(1)).toBeUndefined()
  write(1)
  expect(messageIn(batches.after(4)!).entries).toHaveLength(1)
})

it('asks where a replica is with the last position and nothing else', () => {
  const { batches, write } = open()
  write(2)
  expect(messageIn(batches.probe())).toEqual({ kind: 'batch', epoch: 1, previous: { epoch: 1, lsn: 2 }, headLsn: 2, entries: [] })
})

function open(entriesMax?: number, entriesKept?: number): { batches: BatchCache; write: (count: number) => void } {
  const list = new ReplicatedList(entriesKept)
  list.beginEpoch(1)
  const write = (count: number): void => {
    for (let n = 0; n < count; n++) list.commit({ type: 'insert', message: 'm', origin: 'DB1', atMs: 1 })
  }
  return { batches: new BatchCache(list, entriesMax), write }
}
