/**
 * Tries again with exponential backoff and full jitter; p-retry counts the attempts and decides when to give up.
 *
 * p-retry's own delays only stretch (`randomize` multiplies by 1 to 2), so its delay is set to zero and ours is awaited
 * in its callback. It never retries a `TypeError` that is not a network error: an attempt here must throw `Error`s of
 * its own. And it does not end a running attempt: every attempt needs a deadline itself.
 */
import pRetry from 'p-retry'
import { setTimeout as sleepMs } from 'node:timers/promises'
import { fullJitterMs, type Backoff } from './backoff.ts'

export interface RetryOptions {
  readonly backoff: Backoff
  /** The first attempt included; `Infinity` for a retry that only slows down. */
  readonly attemptsMax: number
  /** Ends the wait between attempts, and the retry, with its reason. */
  readonly signal?: AbortSignal
  /** Called after every failed attempt; `delayMs` is `undefined` when no other follows. */
  readonly onFailedAttempt?: (failure: FailedAttempt) => void
  readonly random?: () => number
  readonly sleep?: (delayMs: number, signal?: AbortSignal) => Promise<unknown>
}

export interface FailedAttempt {
  readonly error: Error
  /** 1-based. */
  readonly attempt: number
  readonly delayMs: number | undefined
}

/** Resolves to the first attempt that succeeds; rejects with the last one's error after `attemptsMax`, or with the signal's reason. */
export function retry<T>(run: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { backoff, attemptsMax, signal, onFailedAttempt, random = Math.random, sleep = defaultSleep } = options
  return pRetry(run, {
    retries: attemptsMax - 1,
    minTimeout: 0,
    ...(signal && { signal }),
    onFailedAttempt: async ({ error, attemptNumber: attempt, retriesLeft }) => {
      const delayMs = retriesLeft > 0 ? fullJitterMs(backoff, attempt, random) : undefined
      onFailedAttempt?.({ error, attempt, delayMs })
      if (delayMs !== undefined) await sleep(delayMs, signal)
    },
  })
}

async function defaultSleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleepMs(delayMs, undefined, signal && { signal })
  } catch (error) {
    // Node's own AbortError would hide why.
    signal?.throwIfAborted()
    throw error
  }
}
