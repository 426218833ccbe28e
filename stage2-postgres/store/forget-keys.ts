/**
 * Removes idempotency keys whose lifetime is over; nobody waits for it. A bounded number at a time, so that no statement is long, and the next
 * ones at once while there are more: keys that are removed more slowly than they come would fill the disk.
 */
import type { Log } from '@relais/shared/observe/log.ts'
import type { Pool } from './pool.ts'
import { forgetKeys } from './statements.ts'

/** The same as in stage 1. */
const LIFETIME_MS = 15 * 60 * 1000
const EVERY_MS = 2_000
/** Of one statement. */
export const COUNT_MAX = 20_000

export interface ForgetKeysOptions {
  readonly pool: Pick<Pool, 'submit'>
  readonly ensurePossible: () => void
  readonly log: Log
  readonly lifetimeMs?: number
  readonly everyMs?: number
}

export class ForgetKeys {
  readonly #timer: NodeJS.Timeout
  #isRunning = false
  #isClosed = false

  constructor(options: ForgetKeysOptions) {
    this.#timer = setInterval(() => void this.#forget(options), options.everyMs ?? EVERY_MS)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#isClosed = true
  }

  async #forget({ pool, ensurePossible, log, lifetimeMs = LIFETIME_MS }: ForgetKeysOptions): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      let count = COUNT_MAX
      while (count === COUNT_MAX && !this.#isClosed) {
        ensurePossible()
        const removed = await pool.submit((link) => link.query((sql) => forgetKeys(sql, lifetimeMs, COUNT_MAX))).outcome
        count = removed.count
      }
    } catch (error) {
      log.debug({ err: error }, 'old idempotency keys were not removed this time')
    } finally {
      this.#isRunning = false
    }
  }
}
