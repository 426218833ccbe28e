/**
 * Requests to a cluster that has just been started, which nobody counts.
 *
 * Node compiles what runs often; within a small share of a core that takes the first thousands of requests. Without this the first
 * repetition of every test would measure the compiler, and its neighbours would not.
 */
import { runLoad } from '../load/run-load.ts'
import { WriteLedger } from '../load/write-ledger.ts'
import { WRITE_SHARE } from './protocol.ts'
import type { TestEnvironment } from './test-environment.ts'

const REQUESTS_PER_DATABASE = 1_000
const CONNECTIONS = 30

export async function breakIn({ entryUrl, databaseUrls }: TestEnvironment, signal: AbortSignal): Promise<void> {
  await runLoad({
    entryUrl,
    requests: REQUESTS_PER_DATABASE * databaseUrls.length,
    connections: CONNECTIONS,
    loop: 'closed',
    ratePerSecond: null,
    seed: 0,
    writeShare: WRITE_SHARE,
    ledger: new WriteLedger(),
    isWarmUp: true,
    signal,
  })
}
