/**
 * The report's kind of load: a fixed number of clients, each of which sends its next request when it has its answer (autocannon).
 *
 * A system that stalls is asked less meanwhile, so a closed loop hides a pause from the percentiles; open-loop.ts does not. Only the
 * sending is autocannon's: requests, checks, classes and latencies are ours (exact-client.ts says why).
 */
import autocannon from 'autocannon'
import { ExactClient } from './exact-client.ts'
import type { LoadOptions, LoadRun } from './load-run.ts'
import { RunAccount } from './run-account.ts'

/** How often autocannon looks whether its clients are done. */
const LOOK_MS = 50

export async function runClosedLoop(options: LoadOptions, timeoutMs: number): Promise<LoadRun> {
  const account = new RunAccount(options)
  const clients: ExactClient[] = []
  const { host } = new URL(options.entryUrl)
  const connections = Math.min(options.connections, options.requests)
  let result: LoadRun | undefined
  let done = 0
  const onDone = (): void => {
    // The run is over with its last request, not when autocannon looks next.
    if (++done === connections) result = account.result()
  }
  const instance = autocannon({
    url: options.entryUrl,
    connections,
    // A bound that is not reached: the plan ends first.
    amount: options.requests,
    sampleInt: LOOK_MS,
    excludeErrorStats: true,
    setupClient: (client) => clients.push(new ExactClient(client, host, account, timeoutMs, onDone)),
  })
  const abort = (): void => {
    for (const client of clients) client.abort()
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  if (options.signal?.aborted) abort()
  try {
    await instance
  } finally {
    options.signal?.removeEventListener('abort', abort)
  }
  return result ?? account.result()
}
