import { describe, expect, it } from 'vitest'
import { StandbyPosition } from './standby-position.ts'

describe('the position that a read on a standby may claim', () => {
  it('is exact when everything received is replayed', () => {
    expect(new StandbyPosition(() => 0).claim(1000, false)).toBe(1000)
  })

  it('goes one byte further while more is being replayed, because its first record may be visible already', () => {
    expect(new StandbyPosition(() => 0).claim(1000, true)).toBe(1001)
  })

  it('is exact again when replay stands still, so that the token can be reached', () => {
    let nowMs = 0
    const position = new StandbyPosition(() => nowMs)
    position.claim(1000, true)
    nowMs = 1_500
    expect(position.claim(1000, true)).toBe(1000)
    expect(position.claim(2000, true)).toBe(2001)
  })

  it('counts a standstill from when more was received, and not from an earlier one that ended', () => {
    let nowMs = 0
    const position = new StandbyPosition(() => nowMs)
    position.claim(1000, true)
    nowMs = 500
    position.claim(1000, false)
    nowMs = 1_200
    // Just received: its first record may be visible already.
    expect(position.claim(1000, true)).toBe(1001)
    nowMs = 2_300
    expect(position.claim(1000, true)).toBe(1000)
  })

  it('goes further in an answer that was overtaken, which says nothing of whether replay stands still', () => {
    let nowMs = 0
    const position = new StandbyPosition(() => nowMs)
    position.claim(2000, true)
    nowMs = 500
    position.claim(1000, false)
    nowMs = 1_500
    expect(position.claim(1000, true)).toBe(1001)
    expect(position.claim(2000, true)).toBe(2000)
  })

  it('remembers the furthest replay that was seen', () => {
    const position = new StandbyPosition(() => 0)
    position.claim(2000, false)
    position.claim(1000, false)
    expect(position.replayed).toBe(2000)
  })

  it('forgets it with a lost connection: a standby that crashed replays again what it had shown', () => {
    let nowMs = 0
    const position = new StandbyPosition(() => nowMs)
    position.claim(2000, true)
    position.forget()
    expect(position.replayed).toBe(0)
    nowMs = 1_500
    expect(position.claim(1000, true)).toBe(1001)
    nowMs = 3_000
    expect(position.claim(1000, true)).toBe(1000)
  })
})
