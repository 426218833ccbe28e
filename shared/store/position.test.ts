/** Positions survive being written and read, in both stages' forms; nothing else is taken for one. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparePositions, formatPosition, formatWalPosition, parsePosition, type Position } from './position.ts'

const position = fc.record({ epoch: fc.integer({ min: 0, max: 9_999_999_999 }), lsn: fc.maxSafeNat() })

describe('a position', () => {
  it('reads back from stage 1’s form', () => {
    fc.assert(
      fc.property(position, (one) => {
        expect(parsePosition(formatPosition(one))).toEqual(one)
      }),
    )
  })

  it('reads back from PostgreSQL’s form', () => {
    fc.assert(
      fc.property(position, (one) => {
        expect(parsePosition(formatWalPosition(one))).toEqual(one)
      }),
    )
  })

  it('is written as PostgreSQL writes it', () => {
    expect(formatWalPosition({ epoch: 1, lsn: 0x3000148 })).toBe('1:0/3000148')
    expect(formatWalPosition({ epoch: 2, lsn: 0x16_b374_d848 })).toBe('2:16/B374D848')
    expect(parsePosition('2:16/b374d848')).toEqual({ epoch: 2, lsn: 0x16_b374_d848 })
  })

  it.each([
    '',
    ':',
    '1',
    '1:',
    ':1',
    '1:2:3',
    '1:-2',
    '-1:2',
    '1:2.5',
    '1:1e3',
    ' 1:2',
    '1:2 ',
    '1:2\n',
    'a:1',
    '1:0x10',
    '1:/1',
    '1:1/',
    '1:G/1',
    '1:1/2/3',
    '1:123456789/1',
    '12345678901:1',
    '1:99999999999999999',
    '1:9007199254740992',
    '1:FFFFFFFF/FFFFFFFF',
    '１:２',
  ])('is not %j', (text) => {
    expect(parsePosition(text)).toBeUndefined()
  })

  it('is ordered by epoch first, then by lsn, and totally', () => {
    expect(comparePositions({ epoch: 2, lsn: 1 }, { epoch: 1, lsn: 1_000 })).toBeGreaterThan(0)
    expect(comparePositions({ epoch: 1, lsn: 2 }, { epoch: 1, lsn: 10 })).toBeLessThan(0)
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        expect(Math.sign(comparePositions(a, b))).toBe(-Math.sign(comparePositions(b, a)) + 0)
        expect(comparePositions(a, { ...a })).toBe(0)
        expect(comparePositions({ epoch: 0, lsn: 0 }, a)).toBeLessThanOrEqual(0)
        const [low, middle, high] = [a, b, c].toSorted(comparePositions) as [Position, Position, Position]
        expect(comparePositions(low, high)).toBeLessThanOrEqual(0)
        expect(comparePositions(low, middle)).toBeLessThanOrEqual(0)
      }),
    )
  })
})
