/**
 * What the generators can do at most: the protocol's mix against a constant answer, served by another process.
 *
 * A run near this limit measured the generator. The open loop's limit is looked for step by step: a rate counts as reached when it was
 * served nearly whole while the generator's event loop still had time to spare.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { GeneratorLimit } from '../results/bench-record.ts'
import type { LoadOptions, LoadRun } from '../load/load-run.ts'
import { runLoad } from '../load/run-load.ts'
import { WriteLedger } from '../load/write-ledger.ts'

const SYSTEM = fileURLToPath(new URL('constant-system.ts', import.meta.url))
/** The constant page is of records that were there before: shape and order are checked, as in a run. */
const IDS_BEFORE = 1_000_000_000
const WARM_UP_REQUESTS = 2_000
const CLOSED_S = 2
const STEP_S = 0.7
const RATE_FIRST = 2_000
const RATE_FACTOR = 1.5
const STEPS_MAX = 9
const REACHED_SHARE = 0.98

export async function measureGeneratorLimit(connections: number, signal?: AbortSignal): Promise<GeneratorLimit> {
  const child = spawn(process.execPath, [SYSTEM, String(IDS_BEFORE)], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [port] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer]
    const system = { entryUrl: `http://127.0.0.1:${port.toString().trim()}`, connections, signal }
    return { closedLoopPerSecond: await closedLoopLimit(system), openLoopPerSecond: await openLoopLimit(system) }
  } finally {
    child.kill('SIGKILL')
  }
}

type System = Pick<LoadOptions, 'entryUrl' | 'connections'> & { readonly signal: AbortSignal | undefined }

async function closedLoopLimit(system: System): Promise<number> {
  const { goodputPerSecond } = await loadOn(system, WARM_UP_REQUESTS, null)
  return (await loadOn(system, Math.round(goodputPerSecond * CLOSED_S), null)).goodputPerSecond
}

async function openLoopLimit(system: System): Promise<number> {
  await loadOn(system, WARM_UP_REQUESTS, RATE_FIRST)
  return lastReached((rate) => reachedAt(system, rate))
}

/** Upwards to the last rate that is reached, or downwards to the first; 0 when none is. `reachedAt` resolves to 0 for one that is not. */
export async function lastReached(reachedAt: (rate: number) => Promise<number>): Promise<number> {
  let reached = await reachedAt(RATE_FIRST)
  const isUpwards = reached > 0
  let rate = RATE_FIRST
  for (let step = 1; step < STEPS_MAX; step++) {
    rate *= isUpwards ? RATE_FACTOR : 1 / RATE_FACTOR
    const next = await reachedAt(rate)
    if (isUpwards && next === 0) break
    reached = next
    if (!isUpwards && next > 0) break
  }
  return reached
}

/** 0 when it was not. */
async function reachedAt(system: System, rate: number): Promise<number> {
  const { isGeneratorBottleneck, goodputPerSecond } = await loadOn(system, Math.round(rate * STEP_S), rate)
  return isGeneratorBottleneck || goodputPerSecond < rate * REACHED_SHARE ? 0 : goodputPerSecond
}

function loadOn({ signal, ...system }: System, requests: number, ratePerSecond: number | null): Promise<LoadRun> {
  signal?.throwIfAborted()
  const loop = ratePerSecond === null ? 'closed' : 'open'
  const ledger = new WriteLedger(IDS_BEFORE)
  return runLoad({ ...system, ...(signal && { signal }), requests: Math.max(requests, 1), loop, ratePerSecond, seed: 1, ledger })
}
