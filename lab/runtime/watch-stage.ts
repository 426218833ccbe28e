/**
 * Watching a running stage: who ended without being asked, and whether the stage is still ours.
 *
 * Nothing is started again here: in this lab things are killed to be watched. The watcher looks at the process table instead of
 * waiting for its children, because an instance that was started again from another shell is not its child.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { instanceLife } from './instance-processes.ts'
import { boundLogs } from './log-files.ts'
import { lastWords } from './native-start.ts'
import type { StageEvents } from './runtime.ts'
import type { StageDirectory } from './stage-directory.ts'
import { readStageState, type InstanceRecord } from './stage-state.ts'

const POLL_MS = 200
const BOUND_LOGS_EVERY = 25

/** Resolves when the stage was taken down, by another shell, or when the signal says so. */
export async function watchStage(directory: StageDirectory, events: StageEvents, signal: AbortSignal): Promise<'down' | 'aborted'> {
  const run = readStageState(directory.stateFile)?.run
  const before = new Map<string, ReturnType<typeof instanceLife>>()
  for (let round = 0; !signal.aborted; round++) {
    const state = readStageState(directory.stateFile)
    if (!state || state.run !== run) return 'down'
    for (const instance of state.phase === 'stopping' ? [] : state.instances) {
      const life = instanceLife(instance)
      if (life !== (before.get(instance.name) ?? 'running')) tell(instance, life, events)
      before.set(instance.name, life)
    }
    if (round % BOUND_LOGS_EVERY === 0) boundLogs(directory.logDirectories(state.topology))
    await sleep(POLL_MS, undefined, { signal }).catch(() => {})
  }
  return 'aborted'
}

function tell(instance: InstanceRecord, life: ReturnType<typeof instanceLife>, events: StageEvents): void {
  if (life === 'running') events.back(instance.name)
  else if (life === 'paused') events.paused(instance.name)
  else if (life === 'stopped') events.stopped(instance.name)
  else {
    const wasKilled = instance.processes.some(({ asked }) => asked === 'kill')
    events.died(instance.name, instance.processes[0]?.identity?.pid ?? 0, wasKilled ? null : lastWords(instance))
  }
}
