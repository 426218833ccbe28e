/**
 * CPU and memory of instances that are processes of this machine, each with everything that it has forked.
 *
 *   start ──── a look each second (memory, peak) ──── stop        CPU: summed up from look to look
 *
 * The look is taken in the generator's own process, so it is rare and cheap: a frequent one would be in the latencies.
 */
import { failed } from '../../failure.ts'
import { livingProcesses } from '../../runtime/instance-processes.ts'
import { listProcesses } from '../../runtime/process-table.ts'
import type { StageDirectory } from '../../runtime/stage-directory.ts'
import { readStageState, type InstanceRecord } from '../../runtime/stage-state.ts'
import type { InstanceUse } from '../results/bench-record.ts'
import type { ResourceMeter } from './observation.ts'
import { useOf, type ProcessUse } from './process-use.ts'

const LOOK_EVERY_MS = 1_000

/** For the stage whose state is in this directory. */
export function nativeResources(directory: StageDirectory): ResourceMeter {
  return new NativeResources(directory)
}

class NativeResources implements ResourceMeter {
  readonly #directory: StageDirectory
  /** CPU seconds on its processes' own clocks at the last look, and used since the start. */
  #lastS = new Map<string, number>()
  #usedS = new Map<string, number>()
  #peakMiB = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(directory: StageDirectory) {
    this.#directory = directory
  }

  async start(): Promise<void> {
    clearInterval(this.#timer)
    this.#peakMiB = new Map()
    const { stage, stateFile } = this.#directory
    if (!this.#look()) throw failed(`Failed to measure ${stage}: it does not run (no ${stateFile}).`)
    this.#usedS = new Map()
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  async stop(): Promise<readonly InstanceUse[]> {
    clearInterval(this.#timer)
    this.#look()
    return [...this.#usedS].map(([name, cpuS]) => ({ name, cpuS, memoryMiB: this.#peakMiB.get(name) ?? 0 }))
  }

  /** False when the stage does not run any more: somebody took it down, and a timer is no place to say so. */
  #look(): boolean {
    // Read anew: a restarted instance has other processes.
    const state = readStageState(this.#directory.stateFile)
    if (!state) return false
    const table = listProcesses()
    for (const instance of state.instances) this.#note(instance.name, useOfInstance(instance, table))
    return true
  }

  /** A clock goes back when a process was killed or restarted: what it used between the two looks is lost, nothing is counted twice. */
  #note(name: string, { cpuS, memoryMiB }: ProcessUse): void {
    const lastS = this.#lastS.get(name) ?? cpuS
    this.#usedS.set(name, (this.#usedS.get(name) ?? 0) + Math.max(0, cpuS - lastS))
    this.#lastS.set(name, cpuS)
    this.#peakMiB.set(name, Math.max(memoryMiB, this.#peakMiB.get(name) ?? 0))
  }
}

function useOfInstance({ processes }: InstanceRecord, table: ReturnType<typeof listProcesses>): ProcessUse {
  return useOf(livingProcesses(processes, table).map(({ pid }) => pid))
}
