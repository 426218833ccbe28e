/** A snapshot in parts: whole again on the other side, in parts that any receiver takes, and nothing from half of one. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeptAnswer } from '../store/idempotency.ts'
import type { Snapshot } from '../store/replicated-list.ts'
import { REPLICATE_BYTES_MAX, snapshotPartSchema, type SnapshotPart } from './messages.ts'
import { cutSnapshot, SnapshotAssembly } from './snapshot.ts'

describe('a snapshot', () => {
  it.each([
    [0, 0, 1],
    [1, 0, 1],
    [10_000, 0, 1],
    [10_001, 5, 1],
    [25_000, 25_000, 1],
    [300, 300, 10_000],
  ])('of %i records and %i keys, %i characters each, is whole again at the other end', (records, keys, characters) => {
    const snapshot = snapshotOf(records, keys, 'x'.repeat(characters))
    const parts = cutSnapshot(snapshot)
    expect(parts.map(({ part }) => part)).toEqual(parts.map((_, index) => index))
    expect(parts.map(({ isLast }) => isLast).indexOf(true)).toBe(parts.length - 1)
    expect(assemble(parts)).toEqual(snapshot)
  })

  it.each([
    ['records of 10 000 characters', 300, 0, '\u0001'.repeat(10_000)],
    ['keys whose answers have 10 000 characters', 0, 300, '\u0001'.repeat(10_000)],
    ['many short records and keys', 20_000, 20_000, '"'],
  ])('is cut so that each part passes the body limit: %s', (_, records, keys, message) => {
    for (const part of cutSnapshot(snapshotOf(records, keys, message))) {
      expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(REPLICATE_BYTES_MAX)
    }
  })

  it('passes the message schema unchanged', () => {
    for (const part of cutSnapshot(snapshotOf(3, 2, 'é'))) expect(snapshotPartSchema.parse(JSON.parse(JSON.stringify(part)))).toEqual(part)
  })
})

describe('the assembly of a snapshot', () => {
  const parts = cutSnapshot(snapshotOf(20_001, 1, 'm'))

  it('is complete with the last part and not before', () => {
    const assembly = new SnapshotAssembly()
    expect(parts.map((part) => assembly.add(part)).map((answer) => (typeof answer === 'string' ? answer : 'whole'))).toEqual([
      ...parts.slice(1).map(() => 'incomplete'),
      'whole',
    ])
  })

  it('takes the same part twice without effect', () => {
    const assembly = new SnapshotAssembly()
    const answers = parts.flatMap((part) => [assembly.add(part), ...(part.isLast ? [] : [assembly.add(part)])])
    expect(answers.pop()).toEqual(snapshotOf(20_001, 1, 'm'))
    expect(new Set(answers)).toEqual(new Set(['incomplete']))
  })

  it('begins anew with another first part', () => {
    const assembly = new SnapshotAssembly()
    assembly.add(parts[0]!)
    assembly.add(parts[1]!)
    expect(assemble(cutSnapshot(snapshotOf(2, 0, 'other')), assembly)).toEqual(snapshotOf(2, 0, 'other'))
  })

  it('takes no part that does not follow on, nor one of another snapshot', () => {
    const assembly = new SnapshotAssembly()
    expect(assembly.add(parts[1]!)).toBe('unexpected')
    assembly.add(parts[0]!)
    expect(assembly.add(parts[2]!)).toBe('unexpected')
    expect(assembly.add({ ...parts[1]!, lsn: parts[1]!.lsn + 1 })).toBe('unexpected')
    expect(assembly.add({ ...parts[1]!, epoch: 9 })).toBe('unexpected')
    expect(assembly.add(parts[1]!)).toBe('incomplete')
  })

  it('never makes a whole of anything but all the parts, in whatever order they come', () => {
    const small = cutSnapshot(snapshotOf(20_001, 1, 'm'))
    fc.assert(
      fc.property(fc.array(fc.nat({ max: small.length - 1 }), { maxLength: 12 }), (order) => {
        const assembly = new SnapshotAssembly()
        for (const index of order) {
          const answer = assembly.add(small[index]!)
          const records = typeof answer === 'string' ? 20_001 : answer.records.length
          expect(records).toBe(20_001)
        }
      }),
      { numRuns: 50 },
    )
  })
})

function assemble(parts: readonly SnapshotPart[], assembly = new SnapshotAssembly()): Snapshot | string | undefined {
  let answer: Snapshot | string | undefined
  for (const part of parts) answer = assembly.add(part)
  return answer
}

function snapshotOf(records: number, keys: number, message: string): Snapshot {
  return {
    epoch: 2,
    lsn: records + 5,
    epochs: [{ epoch: 1, fromLsn: 1 }],
    nextId: records + 1,
    records: Array.from({ length: records }, (_, n) => ({ id: n + 1, message, origin: 'DB1', createdAtMs: 1, updatedAtMs: 1 })),
    keys: Array.from({ length: keys }, (_, n): KeptAnswer => {
      return { key: `key-${n}`, type: 'insert', id: n + 1, message, lsn: n + 1, createdAtMs: 1, atMs: 1, origin: 'DB1' }
    }),
  }
}
