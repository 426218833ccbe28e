import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejectionOf } from '@relais/shared/test/rejection-of.ts'
import { SharedReads } from './shared-reads.ts'

const DEADLINE_MS = 800

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

/** Reads that end when the test says so. */
function controlled() {
  const begun: (PromiseWithResolvers<number> & { deadlineMs: number })[] = []
  const read = (deadlineMs: number): Promise<number> => {
    const one = { deadlineMs, ...Promise.withResolvers<number>() }
    begun.push(one)
    return one.promise
  }
  return { begun, read }
}

describe('shared reads', () => {
  it('answer those who asked in the meantime by one read that began after they asked', async () => {
    const reads = new SharedReads<number>()
    const { begun, read } = controlled()
    const first = reads.ask('newest', DEADLINE_MS, read)
    const others = [reads.ask('newest', DEADLINE_MS, read), reads.ask('newest', DEADLINE_MS, read)]
    expect(begun).toHaveLength(1)
    begun[0]!.resolve(1)
    expect(await first).toBe(1)
    expect(begun).toHaveLength(2)
    begun[1]!.resolve(2)
    expect(await Promise.all(others)).toEqual([2, 2])
  })

  it('of different things do not wait for each other', () => {
    const reads = new SharedReads<number>()
    const { begun, read } = controlled()
    void reads.ask('newest', DEADLINE_MS, read)
    void reads.ask('older', DEADLINE_MS, read)
    expect(begun).toHaveLength(2)
  })

  it('share a failure, and begin anew after it', async () => {
    const reads = new SharedReads<number>()
    const { begun, read } = controlled()
    const first = reads.ask('newest', DEADLINE_MS, read)
    const second = reads.ask('newest', DEADLINE_MS, read)
    begun[0]!.reject(new Error('away'))
    await expect(first).rejects.toThrow('away')
    await expect(second).rejects.toThrow('away')
    const third = reads.ask('newest', DEADLINE_MS, read)
    begun[1]!.resolve(3)
    expect(await third).toBe(3)
  })
  it('go on for the last who waits, and each leaves at its own deadline', async () => {
    const reads = new SharedReads<number>()
    const { begun, read } = controlled()
    const first = reads.ask('newest', 800, read)
    const early = reads.ask('newest', 810, read)
    const later = reads.ask('newest', 1_500, read)
    const left = rejectionOf(early)
    await vi.advanceTimersByTimeAsync(790)
    begun[0]!.resolve(1)
    expect(await first).toBe(1)
    expect(begun[1]!.deadlineMs).toBe(1_500)
    await vi.advanceTimersByTimeAsync(20)
    expect(await left).toMatchObject({ slug: 'store-unavailable' })
    begun[1]!.resolve(2)
    expect(await later).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })
})
