/**
 * For tests in virtual time: the clock moves only when a test moves it, while everything that needs no clock (promises,
 * streams, what msw does) runs on.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { vi } from 'vitest'

const TURNS_MAX = 20_000

/** Takes `setTimeout` and `Date` out of real time; `vi.useRealTimers()` ends it. */
export function useVirtualTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_700_000_000_000 })
}

/** Lets everything run that needs no time, until `isSo`; fails when that does not come about. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    if (isSo()) return
    await turn()
  }
  throw new Error(`Failed to see: ${what}; it did not come about without the clock being moved`)
}

/** Lets everything run that needs no time, for long enough to see that nothing comes of it. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await turn()
}

/** Moves the clock; timers that are due run. */
export async function pass(durationMs: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(durationMs)
  await settled()
}

/** A sleep for `retryOptions` that is asked of the virtual clock, and remembered. */
export function recordedSleep(): { sleep: (delayMs: number) => Promise<void>; sleptMs: number[] } {
  const sleptMs: number[] = []
  const sleep = (delayMs: number): Promise<void> => {
    sleptMs.push(delayMs)
    if (delayMs === 0) return Promise.resolve()
    return new Promise((resolve) => setTimeout(resolve, delayMs))
  }
  return { sleep, sleptMs }
}
