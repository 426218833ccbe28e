/**
 * A closed loop of requests for a while, by autocannon; any answer that is not 2xx makes the run worthless and is an error.
 *
 * So is a signal that ends the script: it is thrown between two loops, so that what was started is ended as after any error.
 */
import autocannon from 'autocannon'

const stop = new AbortController()
/** Aborted by SIGINT and SIGTERM, for a script that measures by other means as well. */
export const { signal: ending } = stop
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`Stopped by ${signal}.`)))

export interface Load {
  readonly url: string
  readonly connections: number
  readonly durationS: number
  readonly method?: 'GET' | 'POST'
  readonly body?: string
}

/** Resolves to answered requests a second. */
export async function requestsPerSecond({ durationS, ...load }: Load): Promise<number> {
  const result = await run({ ...load, duration: durationS })
  return result['2xx'] / result.duration
}

/** Sends `amount` requests and resolves when all are answered. */
export async function sendRequests({ amount, ...load }: Omit<Load, 'durationS'> & { amount: number }): Promise<void> {
  await run({ ...load, amount })
}

async function run({ body, ...load }: autocannon.Options): Promise<autocannon.Result> {
  stop.signal.throwIfAborted()
  const result = await autocannon({ ...load, ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }) })
  stop.signal.throwIfAborted()
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) {
    const statuses = Object.entries(result.statusCodeStats ?? {}).map(([status, { count }]) => `${status}: ${count}`)
    const found = [...statuses, `no answer: ${result.errors}`].join(', ')
    throw new Error(`Failed to measure ${load.url}: ${failed} of ${result.requests.sent} requests failed, expected none (${found}).`)
  }
  return result
}
