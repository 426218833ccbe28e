/** The log: who wrote which position, what is still kept, and how far two histories are one. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Log, type EpochStart } from './log.ts'
import { sealEntry, type LogEntry } from './operation.ts'

describe('a log', () => {
  it('knows which epoch wrote each position', () => {
    const log = logOf([1, 1, 1, 3, 3, 4])
    expect([0, 1, 3, 4, 5, 6, 7].map((lsn) => log.epochAt(lsn))).toEqual([0, 1, 1, 3, 3, 4, undefined])
    expect(log.epochs).toEqual([
      { epoch: 1, fromLsn: 1 },
      { epoch: 3, fromLsn: 4 },
      { epoch: 4, fromLsn: 6 },
    ])
    expect(log.lsn).toBe(6)
  })

  it('takes the next position and no other', () => {
    const log = logOf([1, 1])
    for (const lsn of [1, 2, 4]) expect(() => log.append(entry(1, lsn))).toThrow(`log: expected position 3, got ${lsn}`)
    log.append(entry(1, 3))
    expect(log.lsn).toBe(3)
  })

  it('that begins after a snapshot knows the snapshot’s epochs, and none of its entries', () => {
    const log = new Log(
      [
        { epoch: 1, fromLsn: 1 },
        { epoch: 2, fromLsn: 4 },
      ],
      5,
    )
    expect([3, 4, 5, 6].map((lsn) => log.epochAt(lsn))).toEqual([1, 2, 2, undefined])
    expect(log.entriesAfter(4, 10, 1_000)).toBeUndefined()
    expect(log.entriesAfter(5, 10, 1_000)).toEqual([])
    log.append(entry(2, 6))
    expect(lsns(log.entriesAfter(5, 10, 1_000))).toEqual([6])
    expect(log.epochs).toHaveLength(2)
  })

  it('gives what follows a position: so many entries, so many characters, but one at least', () => {
    const log = new Log()
    for (let lsn = 1; lsn <= 10; lsn++) log.append(entry(1, lsn, 'x'.repeat(100)))
    expect(lsns(log.entriesAfter(0, 3, 10_000))).toEqual([1, 2, 3])
    expect(lsns(log.entriesAfter(8, 100, 10_000))).toEqual([9, 10])
    expect(lsns(log.entriesAfter(2, 100, 250))).toEqual([3, 4, 5])
    expect(lsns(log.entriesAfter(2, 100, 0))).toEqual([3])
    expect(log.entriesAfter(10, 100, 1_000)).toEqual([])
  })

  it('forgets its oldest entries, never more than it must keep, and says so', () => {
    const log = new Log([], 0, { entries: 10 })
    for (let lsn = 1; lsn <= 1_000; lsn++) {
      log.append(entry(lsn <= 500 ? 1 : 2, lsn))
      const kept = log.entriesKeptAfter(0)
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(lsn, 10))
      expect(kept.length).toBeLessThan(20)
      expect(lsns(kept)).toEqual(Array.from({ length: kept.length }, (_, index) => lsn - kept.length + 1 + index))
      expect(log.entriesAfter(kept[0]!.lsn - 1, 100, 1e6)).toEqual(kept)
      const forgotten = kept[0]!.lsn > 1 ? log.entriesAfter(kept[0]!.lsn - 2, 100, 1e6) : undefined
      expect(forgotten).toBeUndefined()
    }
    expect([log.epochAt(1), log.epochAt(500), log.epochAt(501)]).toEqual([1, 1, 2])
  })

  it('forgets half of them at once, so that not every write pays for it', () => {
    for (const kept of [{ entries: 10 }, { entries: 1_000, characters: 1_000 }]) {
      const log = new Log([], 0, kept)
      for (let lsn = 1; lsn <= 19; lsn++) log.append(entry(1, lsn, 'x'.repeat(100)))
      expect(log.keptAfterLsn).toBe(0)
      log.append(entry(1, 20, 'x'.repeat(100)))
      expect(log.keptAfterLsn).toBe(10)
    }
  })

  it('forgets by the size of its messages, too', () => {
    const log = new Log([], 0, { entries: 1_000, characters: 500 })
    for (let lsn = 1; lsn <= 100; lsn++) {
      log.append(entry(1, lsn, 'x'.repeat(lsn % 2 === 0 ? 100 : 10)))
      const characters = log.entriesKeptAfter(0).reduce((sum, { operation }) => sum + (operation as { message: string }).message.length, 0)
      expect(characters).toBeLessThan(1_000)
      expect(characters).toBeGreaterThanOrEqual(Math.min(400, lsn * 10))
    }
    log.append(entry(1, 101, 'x'.repeat(5_000)))
    expect([log.lsn, log.keptAfterLsn]).toEqual([101, 101])
    log.append(entry(1, 102))
    expect(lsns(log.entriesKeptAfter(0))).toEqual([102])
  })

  it('and another log agree exactly as far as they wrote the same positions in the same epochs', () => {
    // Histories as they come to be: each primary goes on from a prefix of another's, in an epoch of its own.
    const forks = fc.array(fc.record({ from: fc.nat(), keep: fc.nat({ max: 12 }), more: fc.nat({ max: 4 }) }), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(forks, fc.nat(), fc.nat(), (parts, a, b) => {
        const histories: number[][] = [[]]
        for (const [index, { from, keep, more }] of parts.entries()) {
          histories.push([...histories[from % histories.length]!.slice(0, keep), ...Array.from({ length: more }, () => index + 1)])
        }
        const [one, other] = [histories[a % histories.length]!, histories[b % histories.length]!]
        const firstOther = one.findIndex((epoch, index) => other[index] !== epoch)
        const common = firstOther === -1 ? one.length : firstOther
        expect(logOf(one).lastCommonLsn(logOf(other).epochs, other.length)).toBe(common)
        expect(logOf(other).lastCommonLsn(logOf(one).epochs, one.length)).toBe(common)
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, EpochStart[], number, number]>([
    ['an empty one', [], 0, 0],
    [
      'itself',
      [
        { epoch: 1, fromLsn: 1 },
        { epoch: 2, fromLsn: 4 },
      ],
      5,
      5,
    ],
    ['a shorter one', [{ epoch: 1, fromLsn: 1 }], 2, 2],
    [
      'one that went on in another epoch',
      [
        { epoch: 1, fromLsn: 1 },
        { epoch: 3, fromLsn: 3 },
      ],
      9,
      2,
    ],
    ['one that never knew its first epoch', [{ epoch: 7, fromLsn: 1 }], 9, 0],
  ])('has in common with %s what both wrote', (_, epochs, lsn, common) => {
    expect(logOf([1, 1, 1, 2, 2]).lastCommonLsn(epochs, lsn)).toBe(common)
  })
})

function logOf(epochs: readonly number[]): Log {
  const log = new Log()
  for (const [index, epoch] of epochs.entries()) log.append(entry(epoch, index + 1))
  return log
}

function entry(epoch: number, lsn: number, message = 'm'): LogEntry {
  return sealEntry(epoch, lsn, lsn, { type: 'insert', message, origin: 'DB1', atMs: 1 })
}

function lsns(entries: readonly LogEntry[] | undefined): number[] | undefined {
  return entries?.map(({ lsn }) => lsn)
}
