/**
 * How long a test waits for a state before it gives up: generously, because a wait that is long enough costs nothing.
 *
 * One number for every machine: where everything is slower, `RELAIS_TEST_PATIENCE=3` makes every wait three times as long.
 */
const PATIENCE = Number(process.env['RELAIS_TEST_PATIENCE'] ?? 1)

/** For `expect.poll`: looks often, gives up after `ms` times the patience. */
export function within(ms: number, intervalMs = 25): { timeout: number; interval: number } {
  return { timeout: ms * PATIENCE, interval: intervalMs }
}

/** Until a line is in a log: Nginx writes it a second late, the services a fifth of one. */
export const LOGGED = within(10_000, 50)

/** Until all databases hold the same. */
export const LEVEL = within(10_000)
