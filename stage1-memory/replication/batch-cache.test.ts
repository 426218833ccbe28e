/** The batches written out once for all replicas: the same ones while they may be needed, and a few of them. */
import { expect, it } from 'vitest'
import { ReplicatedList } from '../store/replicated-list.ts'
import { BatchCache } from './batch-cache.ts'

it('writes a batch once for all replicas, and its head anew for each', () => {
  const { batches, write } = open()
  write(3)
  const first = batches.after(0)!
  write(1)
  const again = batches.after(0)!
  expect(again.message.entries).toBe(first.message.entries)
  expect([first.message.headLsn, again.message.headLsn]).toEqual([3, 4])
  expect(JSON.parse(Buffer.from(again.body).toString())).toEqual(again.message)
})

it('keeps the eight batches written last, and no more', () => {
  const { batches, write } = open(1)
  write(9)
  const entriesAfter = (lsn: number): unknown => batches.after(lsn)!.message.entries
  const written = Array.from({ length: 9 }, (_, lsn) => entriesAfter(lsn))
  for (let lsn = 1; lsn <= 8; lsn++) expect(entriesAfter(lsn)).toBe(written[lsn])
  expect(entriesAfter(0)).not.toBe(written[0])
})

it('writes nothing where the log ends, or no longer keeps what follows', () => {
  const { batches, write } = open(1, 2)
  write(4)
  expect(batches.after(4)).toMatchObject({ message: { previous: { epoch: 1, lsn: 4 }, entries: [], headLsn: 4 } })
  expect(batches.after(1)).toBeUndefined()
  write(1)
  expect(batches.after(4)!.message.entries).toHaveLength(1)
})

function open(entriesMax?: number, entriesKept?: number): { batches: BatchCache; write: (count: number) => void } {
  const list = new ReplicatedList(entriesKept)
  list.beginEpoch(1)
  const write = (count: number): void => {
    for (let n = 0; n < count; n++) list.commit({ type: 'insert', message: 'm', origin: 'DB1', atMs: 1 })
  }
  return { batches: new BatchCache(list, entriesMax), write }
}
