/**
 * Waiting for an answer until a deadline, and no longer: the answer may still come, and whoever is asked goes on.
 *
 * Deadlines are passed inwards as points in time, and become a duration here, at the last step: three tiers that each allow "two seconds"
 * allow six.
 */

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
