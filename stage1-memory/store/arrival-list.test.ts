/** The watermark of a fan-out replica: a token is reached only where all that it stands for shows. */
import { expect, it } from 'vitest'
import { ArrivalList } from './arrival-list.ts'
import { sealEntry, type LogEntry, type Operation } from './operation.ts'

/** 1 inserts record 1; 2 and 3 replace it by "b" and "c"; 4 inserts record 2; 5 removes record 1. */
const HISTORY: readonly LogEntry[] = [
  entry(1, 1, { type: 'insert', message: 'a', origin: 'DB1', atMs: 1 }),
  entry(2, 1, { type: 'replace', message: 'b', atMs: 2 }),
  entry(3, 1, { type: 'replace', message: 'c', atMs: 3 }),
  entry(4, 2, { type: 'insert', message: 'd', origin: 'DB1', atMs: 4 }),
  entry(5, 1, { type: 'remove', atMs: 5 }),
]

it.each([
  ['in order', [1, 2, 3, 4, 5], 5],
  ['with the last one twice', [1, 2, 2], 2],
  ['with an insert before its turn', [1, 4, 2, 3, 5], 5],
  ['with a replacement that an older one overwrote', [1, 3, 2], 2],
  ['with a removal before its insert', [5, 1, 2, 3, 4], 4],
  ['with an older replacement once more', [1, 2, 3, 2], 0],
  ['with the insert once more after its replacement', [1, 2, 1], 0],
  ['with one missing', [1, 3, 4, 5], 1],
])('%s: %j reaches %i', (_, arrivals, watermark) => {
  const list = new ArrivalList()
  for (const lsn of arrivals) list.append(HISTORY[lsn - 1]!)
  expect(list.position).toEqual({ epoch: 1, lsn: watermark })
})

it('begins anew with a new epoch', () => {
  const list = new ArrivalList()
  for (const lsn of [1, 2, 1]) list.append(HISTORY[lsn - 1]!)
  list.append(sealEntry(2, 1, 7, { type: 'insert', message: 'e', origin: 'DB1', atMs: 6 }))
  expect(list.position).toEqual({ epoch: 2, lsn: 1 })
})

function entry(lsn: number, id: number, operation: Operation): LogEntry {
  return sealEntry(1, lsn, id, operation)
}
