/** A log entry is sealed: whatever of it is changed on the way, the checksum no longer fits. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageSchema, fromRow, toRow } from '../replication/messages.ts'
import { entrySchema, isIntact, sealEntry, type LogEntry } from './operation.ts'

const text = fc.string({ unit: 'binary', maxLength: 50 })
const stamp = { atMs: fc.nat(), key: fc.option(fc.stringMatching(/^[!-~]{1,20}$/), { nil: undefined }) }
const operation = fc
  .oneof(
    fc.record({ type: fc.constant('insert' as const), message: text, origin: fc.constantFrom('DB1', 'DB2'), ...stamp }),
    fc.record({ type: fc.constant('replace' as const), message: text, ...stamp }),
    fc.record({ type: fc.constant('remove' as const), ...stamp }),
  )
  .map(({ key, ...rest }) => (key === undefined ? rest : { ...rest, key }))
const number = fc.integer({ min: 1, max: 2 ** 40 })
const sealed = fc.tuple(number, number, number, operation).map(([epoch, lsn, id, one]) => sealEntry(epoch, lsn, id, one))

describe('a sealed entry', () => {
  it('is intact, also after it was written as JSON and read back, by name and by row', () => {
    fc.assert(
      fc.property(sealed, (entry) => {
        expect(isIntact(entry)).toBe(true)
        expect(entrySchema.parse(JSON.parse(JSON.stringify(entry)))).toEqual(entry)
        expect(fromRow(JSON.parse(JSON.stringify(toRow(entry))) as ReturnType<typeof toRow>)).toEqual(entry)
      }),
    )
  })

  it.each<[string, (entry: LogEntry) => LogEntry]>([
    ['its epoch', (entry) => ({ ...entry, epoch: entry.epoch + 1 })],
    ['its position', (entry) => ({ ...entry, lsn: entry.lsn + 1 })],
    ['its record', (entry) => ({ ...entry, id: entry.id + 1 })],
    ['its checksum', (entry) => ({ ...entry, crc: (entry.crc + 1) >>> 0 })],
    ['its time', (entry) => ({ ...entry, operation: { ...entry.operation, atMs: entry.operation.atMs + 1 } })],
    ['its key', (entry) => ({ ...entry, operation: { ...entry.operation, key: `${entry.operation.key ?? ''}x` } })],
    [
      'its kind',
      (entry) => ({
        ...entry,
        operation: {
          type: entry.operation.type === 'remove' ? 'replace' : 'remove',
          message: '',
          atMs: entry.operation.atMs,
        },
      }),
    ],
  ])('is not intact when %s was changed', (_, change) => {
    fc.assert(
      fc.property(sealed, (entry) => {
        expect(isIntact(change(entry))).toBe(false)
      }),
    )
  })

  it('is not intact when its message or its origin was changed', () => {
    const entry = sealEntry(1, 1, 1, { type: 'insert', message: 'hello', origin: 'DB1', atMs: 1 })
    expect(isIntact({ ...entry, operation: { type: 'insert', message: 'hellp', origin: 'DB1', atMs: 1 } })).toBe(false)
    expect(isIntact({ ...entry, operation: { type: 'insert', message: 'hello', origin: 'DB2', atMs: 1 } })).toBe(false)
  })

  it.each([
    ['no epoch', { kind: 'batch', previous: { epoch: 0, lsn: 0 }, entries: [], headLsn: 0 }],
    ['a fractional position', { kind: 'batch', epoch: 1, previous: { epoch: 0, lsn: 0.5 }, entries: [], headLsn: 0 }],
    ['a row that is cut', { kind: 'batch', epoch: 1, previous: { epoch: 0, lsn: 0 }, entries: [[1, 1, 1]], headLsn: 0 }],
    ['an unknown kind', { kind: 'drop', epoch: 1 }],
    ['a negative id', { kind: 'entry', entry: { epoch: 1, lsn: 1, id: -1, crc: 0, operation: { type: 'remove', atMs: 1 } } }],
  ])('does not come out of a message with %s', (_, message) => {
    expect(messageSchema.safeParse(message).success).toBe(false)
  })

  const row: unknown[] = [1, 1, 1, 0, 'insert', 1, 'hello', 'DB1', null]
  const batch = (entry: unknown): unknown => ({
    kind: 'batch',
    epoch: 1,
    previous: { epoch: 0, lsn: 0 },
    entries: [row, entry],
    headLsn: 2,
  })

  it.each([
    ['no array', { ...row }],
    ['too short', row.slice(0, 8)],
    ['too long', [...row, null]],
    ['an epoch of 0', row.with(0, 0)],
    ['a position of 0', row.with(1, 0)],
    ['an id of 0', row.with(2, 0)],
    ['a negative checksum', row.with(3, -1)],
    ['an unknown type', row.with(4, 'append')],
    ['a fractional time', row.with(5, 0.5)],
    ['a number for a message', row.with(6, 7)],
    ['a list for an origin', row.with(7, [])],
    ['a boolean for a key', row.with(8, false)],
  ])('does not come out of a batch with a row that is, or has, %s', (_, bad) => {
    expect(messageSchema.safeParse(batch(row)).success).toBe(true)
    expect(messageSchema.safeParse(batch(bad)).success).toBe(false)
  })
})
