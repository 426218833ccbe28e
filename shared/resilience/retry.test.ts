/** Retry: how often, how long between, and when it ends. Sleep and randomness are ours; nothing here waits. */
import { describe, expect, it, vi } from 'vitest'
import { retry, type FailedAttempt, type RetryOptions } from './retry.ts'

const BACKOFF = { baseMs: 100, capMs: 300 }

describe('retry', () => {
  it('makes one attempt when it succeeds, and sleeps not at all', async () => {
    const { options, sleptMs, failures } = observed({ attemptsMax: 5 })
    expect(await retry(async (attempt) => `answer ${attempt}`, options)).toBe('answer 1')
    expect(sleptMs).toEqual([])
    expect(failures).toEqual([])
  })

  it('numbers attempts from 1 and resolves to the first that succeeds', async () => {
    const { options, sleptMs } = observed({ attemptsMax: 5 })
    const attempts: number[] = []
    const value = await retry(async (attempt) => {
      attempts.push(attempt)
      return attempt === 3 ? 'back' : fail(attempt)
    }, options)
    expect(value).toBe('back')
    expect(attempts).toEqual([1, 2, 3])
    expect(sleptMs).toHaveLength(2)
  })

  it('sleeps exactly the delays drawn: random() · min(cap, base · 2^(n-1))', async () => {
    const draws = [0.5, 0.25, 0.75, 1 / 3]
    const { options, sleptMs, failures } = observed({ attemptsMax: 5, random: () => draws.shift()! })
    await expect(retry(fail, options)).rejects.toThrow('attempt 5')
    expect(sleptMs).toEqual([0.5 * 100, 0.25 * 200, 0.75 * 300, (1 / 3) * 300])
    expect(failures.map(({ delayMs }) => delayMs)).toEqual([...sleptMs, undefined])
  })

  it('gives up after attemptsMax with the error of the last attempt, without a sleep after it', async () => {
    const { options, sleptMs, failures } = observed({ attemptsMax: 3 })
    const run = vi.fn<typeof fail>(fail)
    await expect(retry(run, options)).rejects.toThrow('attempt 3')
    expect(run).toHaveBeenCalledTimes(3)
    expect(sleptMs).toHaveLength(2)
    expect(failures.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(failures.at(-1)?.delayMs).toBeUndefined()
  })

  it('makes a single attempt when attemptsMax is 1', async () => {
    const { options, sleptMs } = observed({ attemptsMax: 1 })
    await expect(retry(fail, options)).rejects.toThrow('attempt 1')
    expect(sleptMs).toEqual([])
  })

  it('with attemptsMax Infinity only slows down, to the cap', async () => {
    const { options, sleptMs } = observed({ attemptsMax: Infinity, random: () => 0.5 })
    expect(await retry(async (attempt) => (attempt === 2_000 ? 'at last' : fail(attempt)), options)).toBe('at last')
    expect(sleptMs).toHaveLength(1_999)
    expect(sleptMs.slice(0, 3)).toEqual([50, 100, 150])
    expect(new Set(sleptMs.slice(2))).toEqual(new Set([150]))
  })

  it('ends with the reason of its signal when aborted while it sleeps', async () => {
    const stopped = new AbortController()
    const reason = new Error('stopped')
    const run = vi.fn<typeof fail>(fail)
    const { options } = observed({ attemptsMax: Infinity, signal: stopped.signal, random: () => 0.9 })
    const { sleep: _, ...withRealSleep } = options
    const onFailedAttempt = (): void => void setImmediate(() => stopped.abort(reason))
    await expect(retry(run, { ...withRealSleep, backoff: { baseMs: 1e6, capMs: 1e6 }, onFailedAttempt })).rejects.toBe(reason)
    expect(run).toHaveBeenCalledTimes(1)
  })

  it('makes no attempt when it was aborted before', async () => {
    const run = vi.fn<typeof fail>(fail)
    const reason = new Error('stopped')
    const { options } = observed({ attemptsMax: 3, signal: AbortSignal.abort(reason) })
    await expect(retry(run, options)).rejects.toBe(reason)
    expect(run).not.toHaveBeenCalled()
  })

  it('does not repeat a programmer error', async () => {
    const run = vi.fn<() => Promise<number>>(async () => (undefined as unknown as string[]).length)
    const { options } = observed({ attemptsMax: 5 })
    await expect(retry(run, options)).rejects.toBeInstanceOf(TypeError)
    expect(run).toHaveBeenCalledTimes(1)
  })
})

async function fail(attempt: number): Promise<never> {
  throw new Error(`attempt ${attempt}`)
}

interface Observed {
  readonly options: RetryOptions
  readonly sleptMs: number[]
  readonly failures: FailedAttempt[]
}

function observed(options: Omit<RetryOptions, 'backoff'>): Observed {
  const sleptMs: number[] = []
  const failures: FailedAttempt[] = []
  const sleep = async (delayMs: number): Promise<void> => void sleptMs.push(delayMs)
  return { options: { backoff: BACKOFF, sleep, onFailedAttempt: (failure) => failures.push(failure), ...options }, sleptMs, failures }
}
