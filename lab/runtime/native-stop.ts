/**
 * Stopping instances without cutting anyone off, and in bounded time.
 *
 * In the order of the flow, from the edge inwards: what a tier still has in flight finds the tiers behind it alive, and once the load
 * balancer has let go of its connections a service ends at once. Whoever is paused is resumed first (a stopped process
 * takes no SIGTERM), and whoever has not ended in time is killed.
 */
import type { StoppedStage } from './runtime.ts'
import { askToEnd, livingProcesses, signalFamily, waitUntilEnded } from './instance-processes.ts'
import type { StageDirectory } from './stage-directory.ts'
import { writeStageState, type InstanceRecord, type ProcessRecord, type StageState } from './stage-state.ts'

/** A wave that is still busy does not hold up the next one for longer. */
const WAVE_MS_MAX = 1_000
/**
 * All in all, before SIGKILL. Longer than a service drains (8 s) and than Nginx waits for the request of a connection that has sent
 * none (`client_header_timeout`, 10 s): its graceful end does not count such a connection as idle.
 */
const GRACE_MS_MAX = 12_000
const KILL_MS_MAX = 5_000
const WAVES = ['frontend-lb', 'frontend', 'backend-lb', 'backend', 'db-lb', 'db']

export async function stopInstances(directory: StageDirectory, state: StageState): Promise<StoppedStage> {
  const startedAtMs = performance.now()
  const records = state.instances.flatMap(({ processes }) => processes)
  const processes = livingProcesses(records).length
  state.phase = 'stopping'
  for (const record of records) record.asked = 'stop'
  writeStageState(directory.stateFile, state)
  signalFamily(records, 'SIGCONT')
  for (const wave of WAVES) {
    const inWave = state.instances.filter((instance) => waveOf(instance) === wave).flatMap((instance) => instance.processes)
    for (const together of inStopOrder(inWave)) {
      askToEnd(together)
      await waitUntilEnded(together, WAVE_MS_MAX)
    }
  }
  // With everything behind it gone a load balancer has nothing left to finish: whatever connection it still waits for is cut.
  const balancers = state.instances.filter(({ tier }) => tier === 'lb').flatMap((instance) => instance.processes)
  signalFamily(balancers, 'SIGTERM')
  await waitUntilEnded(records, GRACE_MS_MAX - (performance.now() - startedAtMs))
  const killed = await killProcesses(records)
  return { processes, killed, afterMs: performance.now() - startedAtMs }
}

/** SIGTERM (or the process's own word for it), then SIGKILL if it takes too long. True when it had to be killed. */
export async function stopProcesses(records: readonly ProcessRecord[]): Promise<boolean> {
  signalFamily(records, 'SIGCONT')
  const startedAtMs = performance.now()
  for (const together of inStopOrder(records)) {
    askToEnd(together)
    await waitUntilEnded(together, GRACE_MS_MAX - (performance.now() - startedAtMs))
  }
  if (livingProcesses(records).length === 0) return false
  await killProcesses(records)
  return true
}

/** How many were there to kill. Repeated until nothing is left: a family may fork while it is being killed. */
export async function killProcesses(records: readonly ProcessRecord[]): Promise<number> {
  const killed = signalFamily(records, 'SIGKILL')
  const giveUpAtMs = performance.now() + KILL_MS_MAX
  while (!(await waitUntilEnded(records, 100)) && performance.now() < giveUpAtMs) signalFamily(records, 'SIGKILL')
  return killed
}

/** A database service ends before the server that it talks to. */
function inStopOrder(records: readonly ProcessRecord[]): readonly ProcessRecord[][] {
  const servers = records.filter(({ name }) => name === 'postgres')
  const others = records.filter(({ name }) => name !== 'postgres')
  return [others, servers].filter((together) => together.length > 0)
}

function waveOf(instance: InstanceRecord): string {
  return instance.tier === 'lb' ? instance.name : instance.tier
}
