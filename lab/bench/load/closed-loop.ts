/**
 * The report's kind of load: a fixed number of clients, each of which sends its next request when it has its answer (autocannon).
 *
 *   open every connection ─▶ whenOpened ─▶ clock, account, first requests ─▶ … ─▶ result
 *
 * The first request of a run would otherwise wait until its connection is accepted. An instance within a small share accepts them
 * slowly, Nginx, which is never held to one, at once: a part of what load balancing gains would be the accepting of new clients.
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
  const clients: ExactClient[] = []
  const { host } = new URL(options.entryUrl)
  const connections = Math.min(options.connections, options.requests)
  const allOpened = Promise.withResolvers<void>()
  let account: RunAccount | undefined
  let result: LoadRun | undefined
  let [opened, done] = [0, 0]
  const onOpened = (): void => {
    if (++opened === connections) allOpened.resolve()
  }
  const onDone = (): void => {
    // The run is over with its last request, not when autocannon looks next.
    if (++done === connections) result = account?.result()
  }
  const instance = autocannon({
    url: options.entryUrl,
    connections,
    // A bound that is not reached: the plan ends first.
    amount: options.requests,
    sampleInt: LOOK_MS,
    excludeErrorStats: true,
    setupClient: (client) => clients.push(new ExactClient(client, host, timeoutMs, { onOpened, onDone })),
  })
  const abort = (): void => {
    for (const client of clients) client.abort()
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  if (options.signal?.aborted) abort()
  try {
    await allOpened.promise
    await options.whenOpened?.()
    account = new RunAccount(options)
    for (const client of clients) client.start(account)
    await instance
    return result ?? account.result()
  } finally {
    options.signal?.removeEventListener('abort', abort)
    // Of a run that has ended nothing is left to give up.
    abort()
    await instance
  }
}
