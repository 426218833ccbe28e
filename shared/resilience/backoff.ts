/**
 * How long to wait before the next attempt: exponential backoff with full jitter.
 *
 *   delay before attempt n+1  =  uniform(0, min(cap, base · 2^(n-1)))        n = 1, 2, 3 …
 *
 * Without jitter, all clients that a failure hit together come back together, again and again. A factor of
 * "1 to 2" (what retry libraries call `randomize`) only stretches the waves; drawing from zero dissolves them.
 * Source: Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */

export interface Backoff {
  /** The bound before the second attempt, milliseconds. */
  readonly baseMs: number
  /** No bound grows above this, milliseconds. */
  readonly capMs: number
}

/** The largest delay that may be drawn after `attempt` (1-based) failed, in milliseconds. */
export function backoffBoundMs({ baseMs, capMs }: Backoff, attempt: number): number {
  return Math.min(capMs, baseMs * 2 ** (attempt - 1))
}

/** Draws the delay in milliseconds after `attempt` (1-based) failed; `random` is uniform in [0, 1). */
export function fullJitterMs(backoff: Backoff, attempt: number, random: () => number = Math.random): number {
  return random() * backoffBoundMs(backoff, attempt)
}
