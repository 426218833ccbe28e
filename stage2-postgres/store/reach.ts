/**
 * Waiting until a standby has replayed up to a position: one poller for all who wait, faster at first.
 *
 * A query for each waiter would load a standby most when it is behind, which is when it can least afford it.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSES_MS = [1, 1, 2, 4, 8, 16, 25]

interface Waiter {
  readonly lsn: number
  readonly resolve: (isReached: boolean) => void
}

export class Reach {
  readonly #poll: () => Promise<number>
  readonly #waiters = new Set<Waiter>()
  #isPolling = false

  /** `poll` resolves to the replayed LSN in bytes; a rejection counts as "not yet". */
  constructor(poll: () => Promise<number>) {
    this.#poll = poll
  }

  /** True as soon as `lsn` is replayed, false after `timeoutMs`. */
  wait(lsn: number, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter = {
        lsn,
        resolve: (isReached: boolean): void => {
          clearTimeout(timer)
          this.#waiters.delete(waiter)
          resolve(isReached)
        },
      }
      const timer = setTimeout(() => waiter.resolve(false), timeoutMs)
      this.#waiters.add(waiter)
      if (!this.#isPolling) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isPolling = true
    for (let round = 0; this.#waiters.size > 0; round++) {
      const replayed = await this.#poll().catch(() => -1)
      for (const waiter of this.#waiters) if (replayed >= waiter.lsn) waiter.resolve(true)
      if (this.#waiters.size > 0) await sleep(PAUSES_MS[Math.min(round, PAUSES_MS.length - 1)])
    }
    this.#isPolling = false
  }
}
