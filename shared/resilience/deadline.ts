/**
 * A point in time by which a call has its answer, and the `AbortSignal` that fires there.
 *
 * Passed inwards as a point, not as a duration: three tiers that each allow "two seconds" allow six.
 */

export class Deadline {
  readonly atMs: number
  readonly #nowMs: () => number

  private constructor(atMs: number, nowMs: () => number) {
    this.atMs = atMs
    this.#nowMs = nowMs
  }

  /** `nowMs` is a clock in milliseconds; tests pass their own. */
  static after(durationMs: number, nowMs: () => number = Date.now): Deadline {
    return new Deadline(nowMs() + durationMs, nowMs)
  }

  static at(atMs: number, nowMs: () => number = Date.now): Deadline {
    return new Deadline(atMs, nowMs)
  }

  /** Never negative. */
  remainingMs(): number {
    return Math.max(0, this.atMs - this.#nowMs())
  }
}

/**
 * Resolves to `promise`'s value, or to `onTimeout()` once `durationMs` have passed. The promise is not cancelled:
 * whoever passes it in owns what becomes of it (a commit that waits for a standby must not be cancelled, see
 * docs/decisions).
 */
export async function withinMs<T, U>(promise: Promise<T>, durationMs: number, onTimeout: () => U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<typeof TIMED_OUT>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, durationMs), TIMED_OUT)
  })
  try {
    const first = await Promise.race([promise, timeout])
    return first === TIMED_OUT ? onTimeout() : first
  } finally {
    clearTimeout(timer)
  }
}

const TIMED_OUT = Symbol('timed out')
