/** The watermark of a fan-out replica: a token is reached only where all that it stands for shows. */
import * as fc from 'fast-check'
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
  ['with a replacement twice in a row', [1, 2, 2], 2],
  ['with an insert twice in a row', [1, 1], 0],
  ['with a replacement of one of two copies', [1, 1, 2], 0],
  ['with a removal of one of two copies', [1, 1, 2, 3, 4, 5], 0],
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

it('shows of each record what it was at the watermark, or later, and shows it once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: HISTORY.length }), { maxLength: 12 }), (arrivals) => {
      const list = new ArrivalList()
      for (const lsn of arrivals) list.append(HISTORY[lsn - 1]!)
      const { lsn } = list.position
      if (lsn === 0) return
      const ids = list.records.toArray().map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)])
      for (const id of [1, 2]) expect(messagesFrom(lsn, id)).toContain(list.records.get(id)?.message)
    }),
    { numRuns: 5_000 },
  )
})

it('makes each write as it arrives', () => {
  const list = new ArrivalList()
  for (const entry of HISTORY.slice(0, 3)) list.append(entry)
  expect(list.records.toArray()).toEqual([{ id: 1, message: 'c', origin: 'DB1', createdAtMs: 1, updatedAtMs: 3 }])
  for (const entry of HISTORY.slice(3)) list.append(entry)
  expect(list.records.toArray()).toEqual([{ id: 2, message: 'd', origin: 'DB1', createdAtMs: 4, updatedAtMs: 4 }])
})

it('begins anew with a new epoch, when nothing of the old one is left', () => {
  const list = new ArrivalList()
  for (const lsn of [1, 2, 5]) list.append(HISTORY[lsn - 1]!)
  list.append(sealEntry(2, 1, 1, { type: 'insert', message: 'e', origin: 'DB1', atMs: 6 }))
  expect(list.position).toEqual({ epoch: 2, lsn: 1 })
})

it('counts nothing that arrived before its turn for the new epoch', () => {
  const list = new ArrivalList()
  list.append(HISTORY[3]!)
  list.append(entry(6, 2, { type: 'remove', atMs: 6 }))
  for (const lsn of [1, 2, 3]) list.append(sealEntry(2, lsn, lsn, { type: 'insert', message: 'e', origin: 'DB1', atMs: 7 }))
  expect(list.position).toEqual({ epoch: 2, lsn: 3 })
})

it('is certain of nothing in a new epoch as long as it holds a record of the old one, which a removal would uncover', () => {
  const list = new ArrivalList()
  list.append(HISTORY[0]!)
  list.append(sealEntry(2, 1, 1, { type: 'insert', message: 'e', origin: 'DB1', atMs: 6 }))
  list.append(sealEntry(2, 2, 1, { type: 'remove', atMs: 7 }))
  expect(list.records.get(1)?.message).toBe('a')
  expect(list.position).toEqual({ epoch: 2, lsn: 0 })
})

/** What a record's message is after each write from `lsn` on; `undefined` where there is no such record. */
function messagesFrom(lsn: number, id: number): (string | undefined)[] {
  let message: string | undefined
  const messages: (string | undefined)[] = []
  for (const one of HISTORY) {
    if (one.id === id) message = one.operation.type === 'remove' ? undefined : one.operation.message
    if (one.lsn >= lsn) messages.push(message)
  }
  return messages
}

function entry(lsn: number, id: number, operation: Operation): LogEntry {
  return sealEntry(1, lsn, id, operation)
}
