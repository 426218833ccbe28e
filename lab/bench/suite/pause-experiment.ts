/**
 * What a closed loop hides: the primary is stopped for a second, once under a fixed rate and once under a closed loop.
 *
 *   2 s of load ─▶ SIGSTOP ─▶ 1 s ─▶ SIGCONT ─▶ the rest
 *
 * In the closed loop every client waits for its one answer, so the pause is a handful of slow requests among thousands; under a fixed
 * rate the requests of that second keep coming, as users do. (Gil Tene's "coordinated omission".) It is the primary, because least_conn
 * turns away from a stopped replica after one request: that one would show the load balancer's work and not the generator's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadRun } from '../load/load-run.ts'
import { runLoad } from '../load/run-load.ts'
import { WriteLedger } from '../load/write-ledger.ts'
import type { PauseExperiment } from '../results/bench-record.ts'
import { primaryOf } from '../../topology.ts'
import { WRITE_SHARE } from './protocol.ts'
import type { TestEnvironment } from './test-environment.ts'

const BEFORE_MS = 2_000
const PAUSE_MS = 1_000
const LASTING_S = 8
const CLOSED_CONNECTIONS = 3
/** Enough that none is unsent while a second's requests wait. */
const OPEN_CONNECTIONS = 1_000
/** As fast as it gets with these connections: what comes first is slower, and from its rate the load would be over before the pause. */
const WARM_UP_REQUESTS = 1_000
const PROBE_REQUESTS = 1_000
/** Of what the closed loop served: the system is idle enough that only the pause makes requests wait. */
const RATE_SHARE = 0.4

export async function measurePause(environment: TestEnvironment, seed: number, signal: AbortSignal): Promise<PauseExperiment> {
  await environment.reset(signal)
  const ledger = new WriteLedger()
  const common = { entryUrl: environment.entryUrl, ledger, signal, writeShare: WRITE_SHARE, seed }
  const closedLoop = { ...common, connections: CLOSED_CONNECTIONS, loop: 'closed', ratePerSecond: null } as const
  await runLoad({ ...closedLoop, requests: WARM_UP_REQUESTS, isWarmUp: true })
  const probe = await runLoad({ ...closedLoop, requests: PROBE_REQUESTS, isWarmUp: true })
  const ratePerSecond = Math.max(1, Math.round(probe.goodputPerSecond * RATE_SHARE))
  const openLoop = { ...common, connections: OPEN_CONNECTIONS, loop: 'open', ratePerSecond } as const
  const open = await withPause(environment, signal, () => runLoad({ ...openLoop, requests: ratePerSecond * LASTING_S }))
  const requests = Math.round(probe.goodputPerSecond * (LASTING_S - PAUSE_MS / 1000))
  const closed = await withPause(environment, signal, () => runLoad({ ...closedLoop, requests }))
  return {
    stage: environment.topology.stage,
    pausedInstance: primaryOf(environment.topology).name,
    pauseMs: PAUSE_MS,
    ratePerSecond,
    open: partOf(open),
    closed: partOf(closed),
  }
}

/** Rejects when the load was over before the pause was: nothing could be concluded from its latencies. */
export async function withPause(
  environment: Pick<TestEnvironment, 'topology' | 'pause' | 'resume'>,
  signal: AbortSignal,
  run: () => Promise<LoadRun>,
): Promise<LoadRun> {
  const { name } = primaryOf(environment.topology)
  let isOver = false
  const running = run().finally(() => (isOver = true))
  // It is awaited below; should the pause fail first, nobody else would take its rejection.
  running.catch(() => {})
  await sleep(BEFORE_MS, undefined, { signal })
  await environment.pause(name)
  try {
    await sleep(PAUSE_MS, undefined, { signal })
  } finally {
    await environment.resume(name)
  }
  const wasOver = isOver
  const result = await running
  if (wasOver) throw new Error(`The load ended after ${Math.round(result.durationS * 1000)} ms, before the pause did.`)
  signal.throwIfAborted()
  return result
}

function partOf({ latency, outcomes, timeline }: LoadRun): PauseExperiment['open'] {
  return { latency, outcomes, timeline }
}
