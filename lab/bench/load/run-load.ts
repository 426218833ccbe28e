/** The one entry to a run of load: checks what was asked for and chooses the generator. */
import { runClosedLoop } from './closed-loop.ts'
import type { LoadOptions, LoadRun } from './load-run.ts'
import { runOpenLoop } from './open-loop.ts'

/** Longer than any deadline in the chain: what the system itself gives up on is answered, and classed by its status. */
const TIMEOUT_MS = 20_000

/** Resolves when every request has ended; rejects only for options that make no sense. */
export async function runLoad(options: LoadOptions): Promise<LoadRun> {
  const { requests, connections, loop, ratePerSecond, readPath = '/api/data', writeShare = 0, timeoutMs = TIMEOUT_MS } = options
  if (!(requests >= 1 && connections >= 1 && timeoutMs > 0)) throw nonsense(options, 'at least one request, one connection and a timeout')
  if (!(writeShare >= 0 && writeShare <= 1)) throw nonsense(options, 'a share of writes from 0 to 1')
  if (!readPath.startsWith('/api/data')) throw nonsense(options, 'a page of /api/data to read: what cannot be checked is not counted')
  if (loop === 'closed') return runClosedLoop(options, timeoutMs)
  if (ratePerSecond === null || !(ratePerSecond > 0)) throw nonsense(options, 'a rate for an open loop')
  return runOpenLoop(options, ratePerSecond, timeoutMs)
}

function nonsense(options: LoadOptions, expected: string): Error {
  const found = { ...options, ledger: undefined, signal: undefined }
  return new Error(`Failed to run a load: expected ${expected}, found ${JSON.stringify(found)}.`)
}
