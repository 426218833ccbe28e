/** `withinMs` gives up waiting without cancelling what it waited for. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejectionOf } from '../test/rejection-of.ts'
import { withinMs } from './deadline.ts'

describe('withinMs', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('resolves to the value that comes in time, and leaves no timer behind', async () => {
    expect(await withinMs(Promise.resolve('value'), 100, () => 'late')).toBe('value')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects with the error that comes in time, and leaves no timer behind', async () => {
    await expect(withinMs(Promise.reject(new Error('broken')), 100, () => 'late')).rejects.toThrow('broken')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('asks onTimeout once the time is over, and does not disturb the promise', async () => {
    const slow = Promise.withResolvers<string>()
    const onTimeout = vi.fn<() => string>(() => 'late')
    const waited = withinMs(slow.promise, 100, onTimeout)
    await vi.advanceTimersByTimeAsync(99)
    expect(onTimeout).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await waited).toBe('late')
    slow.resolve('value')
    expect(await slow.promise).toBe('value')
    expect(onTimeout).toHaveBeenCalledTimes(1)
  })

  it('takes a deadline that has passed as no time at all', async () => {
    const waited = withinMs(new Promise(() => {}), -5, () => 'late')
    await vi.advanceTimersByTimeAsync(1)
    expect(await waited).toBe('late')
  })

  it('rejects with what onTimeout throws', async () => {
    const waited = withinMs(new Promise(() => {}), 10, () => {
      throw new Error('unknown')
    })
    const rejected = rejectionOf(waited)
    await vi.advanceTimersByTimeAsync(10)
    expect(await rejected).toMatchObject({ message: 'unknown' })
  })
})
