/** Removes idempotency keys whose lifetime is over, a bounded number at a time; nobody waits for it. */
import type { Log } from '@relais/shared/observe/log.ts'
import type { Pool } from './pool.ts'
import { forgetKeys } from './statements.ts'

/** The same as in stage 1. */
const LIFETIME_MS = 15 * 60 * 1000
/** Twenty thousand keys each two seconds: more than the service can take in writes. */
const EVERY_MS = 2_000
const COUNT_MAX = 20_000

export interface ForgetKeysOptions {
  readonly pool: Pool
  readonly ensurePossible: () => void
  readonly log: Log
  readonly lifetimeMs?: number
  readonly everyMs?: number
}

export class ForgetKeys {
  readonly #timer: NodeJS.Timeout
  #isRunning = false

  constructor(options: ForgetKeysOptions) {
    this.#timer = setInterval(() => void this.#forget(options), options.everyMs ?? EVERY_MS)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #forget({ pool, ensurePossible, log, lifetimeMs = LIFETIME_MS }: ForgetKeysOptions): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      ensurePossible()
      await pool.submit((link) => link.query((sql) => forgetKeys(sql, lifetimeMs, COUNT_MAX))).outcome
    } catch (error) {
      log.debug({ err: error }, 'old idempotency keys were not removed this time')
    } finally {
      this.#isRunning = false
    }
  }
}
