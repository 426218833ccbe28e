/**
 * CPU and memory of instances that are processes of this machine, each with everything that it has forked.
 *
 *   start ──── a look each second (memory, peak) ──── stop        CPU: the difference between the two ends
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
  #before: ReadonlyMap<string, ProcessUse> = new Map()
  #peakMiB = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(directory: StageDirectory) {
    this.#directory = directory
  }

  async start(): Promise<void> {
    clearInterval(this.#timer)
    this.#peakMiB = new Map()
    this.#before = this.#look()
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  async stop(): Promise<readonly InstanceUse[]> {
    clearInterval(this.#timer)
    const after = this.#look()
    return [...after].map(([name, { cpuS }]) => {
      // After a restart its processes are new, and so are their clocks: what the earlier ones used is not known any more.
      const usedS = cpuS - (this.#before.get(name)?.cpuS ?? 0)
      return { name, cpuS: usedS < 0 ? cpuS : usedS, memoryMiB: this.#peakMiB.get(name) ?? 0 }
    })
  }

  #look(): ReadonlyMap<string, ProcessUse> {
    // Read anew: a restarted instance has other processes.
    const state = readStageState(this.#directory.stateFile)
    if (!state) throw failed(`Failed to measure ${this.#directory.stage}: it does not run (no ${this.#directory.stateFile}).`)
    const table = listProcesses()
    const uses = new Map(state.instances.map((instance) => [instance.name, useOfInstance(instance, table)]))
    for (const [name, { memoryMiB }] of uses) this.#peakMiB.set(name, Math.max(memoryMiB, this.#peakMiB.get(name) ?? 0))
    return uses
  }
}

function useOfInstance({ processes }: InstanceRecord, table: ReturnType<typeof listProcesses>): ProcessUse {
  return useOf(livingProcesses(processes, table).map(({ pid }) => pid))
}
