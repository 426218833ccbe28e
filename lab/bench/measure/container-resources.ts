/**
 * CPU and memory of instances that are containers, by the engine's statistics: of all processes that a container has or had.
 *
 *   start ──── a look every two seconds (memory, peak) ──── stop        CPU: the difference, container by container
 *
 * A database of stage 2 is two containers, service and server; its use is the sum. What a container that was started anew meanwhile had
 * used before is lost, nothing is counted twice. An instance whose use is not known is left out: nothing would be a measurement.
 */
import { failed } from '../../failure.ts'
import type { Container } from '../../runtime/compose-containers.ts'
import type { ContainerUse } from '../../runtime/engine-api.ts'
import type { InstanceUse } from '../results/bench-record.ts'
import type { ResourceMeter } from './observation.ts'

const LOOK_EVERY_MS = 2_000

export interface ContainerCounters {
  containers(): Promise<readonly Pick<Container, 'id' | 'instance'>[]>
  /** `undefined` for one that does not run. */
  use(id: string): Promise<ContainerUse | undefined>
}

export class ContainerResources implements ResourceMeter {
  readonly #counters: ContainerCounters
  #places: readonly Pick<Container, 'id' | 'instance'>[] = []
  readonly #lastS = new Map<string, number>()
  /** By container: from its second look on. */
  readonly #usedS = new Map<string, number>()
  #peakMiB = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(counters: ContainerCounters) {
    this.#counters = counters
  }

  async start(): Promise<void> {
    clearInterval(this.#timer)
    this.#places = (await this.#counters.containers()).filter(({ instance }) => instance !== '')
    if (this.#places.length === 0) throw failed('Failed to measure: no container of the stage runs.')
    this.#lastS.clear()
    this.#usedS.clear()
    this.#peakMiB = new Map()
    await this.#look()
    this.#timer = setInterval(() => void this.#lookAgain(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  async stop(): Promise<readonly InstanceUse[]> {
    clearInterval(this.#timer)
    await this.#looking
    await this.#look()
    const names = [...new Set(this.#places.map(({ instance }) => instance))]
    return names.flatMap((name) => {
      const used = this.#places.flatMap(({ id, instance }) => (instance === name ? [this.#usedS.get(id)] : []))
      if (!used.every((cpuS) => cpuS !== undefined)) return []
      return [{ name, cpuS: used.reduce((sum, cpuS) => sum + cpuS, 0), memoryMiB: this.#peakMiB.get(name) ?? 0 }]
    })
  }

  /** A timer is no place to say that the engine did not answer; the last look says it. */
  #lookAgain(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look()).catch(() => {})
    return this.#looking
  }

  async #look(): Promise<void> {
    const uses = await Promise.all(this.#places.map(async ({ id, instance }) => ({ id, instance, use: await this.#counters.use(id) })))
    const memoryMiB = new Map<string, number>()
    for (const { id, instance, use } of uses) {
      if (!use) continue
      const lastS = this.#lastS.get(id)
      if (lastS !== undefined) this.#usedS.set(id, (this.#usedS.get(id) ?? 0) + Math.max(0, use.cpuS - lastS))
      this.#lastS.set(id, use.cpuS)
      memoryMiB.set(instance, (memoryMiB.get(instance) ?? 0) + use.memoryMiB)
    }
    for (const [instance, held] of memoryMiB) this.#peakMiB.set(instance, Math.max(held, this.#peakMiB.get(instance) ?? 0))
  }
}
