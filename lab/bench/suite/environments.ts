/**
 * The clusters of one bench: made when first needed, kept for the tests that follow, ended together.
 *
 * The two configurations of a pair both stay up while one of them is measured: what an idle cluster takes is its heartbeats, and a
 * start before each test would take longer than the test. Clusters with and without shares do not live at the same time.
 */
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { topologyOf, type StageName } from '../../topology.ts'
import type { Configuration } from '../results/bench-record.ts'
import { breakIn } from './break-in.ts'
import { databaseTier } from './database-tier.ts'
import { TestEnvironment } from './test-environment.ts'

/** From one cluster's ports to the next one's; a stage has 18 in a row. */
const PORT_STEP = 20

export interface EnvironmentPlace {
  readonly stateDirectory: string
  readonly portOffset: number
}

export class Environments {
  readonly #place: EnvironmentPlace
  readonly #running = new Map<string, TestEnvironment>()
  readonly #slots = new Map<string, number>()
  #cpuLimit: string | null = null

  constructor(place: EnvironmentPlace) {
    this.#place = place
    mkdirSync(place.stateDirectory, { recursive: true, mode: 0o755 })
  }

  /** The whole chain, balanced or single. */
  async chain(
    stage: StageName,
    configuration: Configuration,
    cpuPerInstance: number | null,
    signal: AbortSignal,
  ): Promise<TestEnvironment> {
    const slot = `${stage}-${configuration}`
    const topology = (portOffset: number) => topologyOf(stage, { single: configuration === 'single', portOffset })
    const environment = await this.#runningIn(slot, topology, cpuPerInstance, signal)
    this.#cpuLimit ??= environment.cpuLimit
    return environment
  }

  /** db-lb and one, two or three databases behind it, nothing before it. */
  databases(stage: StageName, count: number, cpuPerInstance: number | null, signal: AbortSignal): Promise<TestEnvironment> {
    const topology = (portOffset: number) => databaseTier(topologyOf(stage, { portOffset }), count)
    return this.#runningIn(`${stage}-databases-${count}`, topology, cpuPerInstance, signal)
  }

  /** One of them was not as it should be: the next test that needs it gets a new one. */
  async discard(environment: TestEnvironment): Promise<void> {
    for (const [slot, running] of this.#running) if (running === environment) this.#running.delete(slot)
    await environment.stop()
  }

  async stopAll(): Promise<void> {
    const environments = [...this.#running.values()]
    this.#running.clear()
    for (const environment of environments) await environment.stop()
  }

  /** After `stopAll`, when nobody wants to look at logs any more. */
  removeFiles(): void {
    rmSync(this.#place.stateDirectory, { recursive: true, force: true })
  }

  /** How shares are held here, once a chain was started with one. */
  get cpuLimit(): string | null {
    return this.#cpuLimit
  }

  async #runningIn(
    slot: string,
    topologyAt: (portOffset: number) => ReturnType<typeof topologyOf>,
    cpuPerInstance: number | null,
    signal: AbortSignal,
  ): Promise<TestEnvironment> {
    const found = this.#running.get(slot)
    if (found?.cpuPerInstance === cpuPerInstance) return found
    if (found) await this.stopAll()
    const directory = path.join(this.#place.stateDirectory, slot)
    const environment = new TestEnvironment(directory, topologyAt(this.#portOffsetOf(slot)), cpuPerInstance)
    this.#running.set(slot, environment)
    await environment.start(signal)
    await breakIn(environment, signal)
    environment.hold()
    return environment
  }

  #portOffsetOf(slot: string): number {
    const index = this.#slots.get(slot) ?? this.#slots.size
    this.#slots.set(slot, index)
    return this.#place.portOffset + index * PORT_STEP
  }
}
