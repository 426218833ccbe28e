/**
 * The clusters of one bench: made when first needed, kept for the tests that follow, ended together.
 *
 * The two configurations of a pair both stay up while one of them is measured: what an idle cluster takes is its heartbeats, and a
 * start before each test would take longer than the test. Clusters with and without shares do not live at the same time.
 */
import { mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { failed } from '../../failure.ts'
import { findTakenPorts } from '../../runtime/ports.ts'
import { portsIn, STAGE_NAMES, topologyOf, type StageName, type Topology } from '../../topology.ts'
import type { Configuration } from '../results/bench-record.ts'
import { breakIn, breakInHeld, type BreakInRequests } from './break-in.ts'
import { databaseTier } from './database-tier.ts'
import type { TestEnvironment } from './test-environment.ts'

/** From one cluster's ports to the next one's; a stage has 18 in a row. */
const PORT_STEP = 20

/** A cluster in a state directory of its own; nothing runs yet. */
export type MakeEnvironment<E> = (stateDirectory: string, topology: Topology, cpuPerInstance: number | null) => E

export interface EnvironmentPlace<E> {
  readonly stateDirectory: string
  readonly portOffset: number
  /** Uncounted, after a start. */
  readonly breakIn: BreakInRequests
  /** How the runtime makes one. */
  readonly make: MakeEnvironment<E>
}

const DATABASES = [1, 2, 3]

export class Environments<E extends TestEnvironment> {
  readonly #place: EnvironmentPlace<E>
  readonly #running = new Map<string, E>()
  /** Every cluster that there can be, each with its own ports. */
  readonly #topologies: ReadonlyMap<string, Topology>
  #cpuLimit: string | null = null

  constructor(place: EnvironmentPlace<E>) {
    this.#place = place
    this.#topologies = topologiesAt(place.portOffset)
    mkdirSync(place.stateDirectory, { recursive: true, mode: 0o755 })
  }

  /** Ends what an earlier bench left behind; rejects when a port of any cluster is taken, before anything is measured. */
  async claim(): Promise<void> {
    for (const slot of this.#topologies.keys()) await this.#environmentIn(slot, null).stop()
    const ports = [...this.#topologies].flatMap(([slot, topology]) =>
      [...portsIn(topology)].map(([name, port]) => [`${slot}/${name}`, port] as const),
    )
    const [taken] = await findTakenPorts('127.0.0.1', new Map(ports))
    if (!taken) return
    const by = taken.holder ? `pid ${taken.holder.pid}: ${taken.holder.program}` : 'another process'
    throw failed(
      `Failed to start the bench: port ${taken.port} of ${taken.name} is taken by ${by}.\nStop it, or choose another --port-offset.`,
    )
  }

  /** The whole chain, balanced or single. */
  async chain(stage: StageName, configuration: Configuration, cpuPerInstance: number | null, signal: AbortSignal): Promise<E> {
    const environment = await this.#runningIn(`${stage}-${configuration}`, cpuPerInstance, this.#place.breakIn.chain, signal)
    this.#cpuLimit ??= environment.cpuLimit
    return environment
  }

  /** db-lb and one, two or three databases behind it, nothing before it. */
  databases(stage: StageName, count: number, cpuPerInstance: number | null, signal: AbortSignal): Promise<E> {
    return this.#runningIn(`${stage}-databases-${count}`, cpuPerInstance, this.#place.breakIn.databases, signal)
  }

  /** One of them was not as it should be: the next test that needs it gets a new one. */
  async discard(environment: E): Promise<void> {
    for (const [slot, running] of this.#running) if (running === environment) this.#running.delete(slot)
    await environment.stop()
  }

  async stopAll(): Promise<void> {
    const environments = [...this.#running.values()]
    this.#running.clear()
    for (const environment of environments) await environment.stop()
  }

  /** After `stopAll`, when nobody wants to look at logs any more. What else is in the directory is somebody's: `--state-dir` is the user's choice. */
  removeFiles(): void {
    const { stateDirectory } = this.#place
    for (const slot of this.#topologies.keys()) rmSync(path.join(stateDirectory, slot), { recursive: true, force: true })
    if (readdirSync(stateDirectory).length === 0) rmdirSync(stateDirectory)
  }

  /** How shares are held here, once a chain was started with one. */
  get cpuLimit(): string | null {
    return this.#cpuLimit
  }

  async #runningIn(slot: string, cpuPerInstance: number | null, breakInRequests: number, signal: AbortSignal): Promise<E> {
    const found = this.#running.get(slot)
    if (found?.cpuPerInstance === cpuPerInstance) return found
    if (found) await this.stopAll()
    const environment = this.#environmentIn(slot, cpuPerInstance)
    this.#running.set(slot, environment)
    try {
      await environment.start(signal)
      await breakIn(environment, breakInRequests, signal)
      await environment.hold()
      if (cpuPerInstance !== null) await breakInHeld(environment, signal)
    } catch (error) {
      await this.discard(environment)
      throw error
    }
    return environment
  }

  #environmentIn(slot: string, cpuPerInstance: number | null): E {
    return this.#place.make(path.join(this.#place.stateDirectory, slot), this.#topologies.get(slot)!, cpuPerInstance)
  }
}

function topologiesAt(portOffset: number): ReadonlyMap<string, Topology> {
  const topologies = new Map<string, Topology>()
  const next = (): { portOffset: number } => ({ portOffset: portOffset + topologies.size * PORT_STEP })
  for (const stage of STAGE_NAMES) {
    topologies.set(`${stage}-balanced`, topologyOf(stage, next()))
    topologies.set(`${stage}-single`, topologyOf(stage, { ...next(), single: true }))
    for (const count of DATABASES) topologies.set(`${stage}-databases-${count}`, databaseTier(topologyOf(stage, next()), count))
  }
  return topologies
}
