import { describe, expect, it } from 'vitest'
import type { Holdings } from './messages.ts'
import { mostAdvanced } from './most-advanced.ts'

const held = (position: [number, number], last: [number, number], isWhole: boolean): Holdings => ({
  position: { epoch: position[0], lsn: position[1] },
  last: { epoch: last[0], lsn: last[1] },
  isWhole,
  wasLevel: true,
})
const chosen = (...heard: Holdings[]): number => heard.indexOf(mostAdvanced(heard, (one) => one)!)

describe('the most advanced replica', () => {
  it('is the one that follows the latest epoch, although that wrote nothing and another one’s last entry is of a later epoch than its own', () => {
    expect(chosen(held([2, 1], [2, 1], true), held([3, 1], [1, 1], true))).toBe(1)
  })

  it('is not the one that has only a first part of what the latest epoch began with', () => {
    expect(chosen(held([2, 100], [2, 100], true), held([3, 60], [1, 60], false))).toBe(0)
  })

  it('is the one with more entries, of two in the same epoch', () => {
    expect(chosen(held([3, 7], [3, 7], true), held([3, 9], [3, 9], true))).toBe(1)
  })

  it('is the one with the highest last entry when nobody has the latest epoch whole', () => {
    expect(chosen(held([0, 0], [0, 0], true), held([3, 4], [1, 4], false))).toBe(1)
  })

  it('is nobody when nobody was heard', () => {
    expect(mostAdvanced<Holdings>([], (one) => one)).toBeUndefined()
  })
})
