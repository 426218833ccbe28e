/**
 * Stage 1 for a test: real processes behind real Nginx, on ports and in a directory of their own.
 *
 * It goes through the runtime and not through the command line, which starts a process for every verb. A stranger that takes one of its
 * ports is met by drawing again.
 */
import { rmSync } from 'node:fs'
import { Failure } from '../../failure.ts'
import { NativeRuntime } from '../../runtime/native.ts'
import type { StageSettings, Target } from '../../runtime/runtime.ts'
import { StageDirectory } from '../../runtime/stage-directory.ts'
import { entryUrl, nodesOf, topologyOf, type Node, type Tier, type Topology } from '../../topology.ts'
import { makeStateDirectory } from './state-directory.ts'
import { drawPortOffset } from './test-ports.ts'

const DEFAULTS: StageSettings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null }
const STARTS_MAX = 3

export class RunningStage {
  readonly topology: Topology
  readonly directory: StageDirectory
  readonly #runtime: NativeRuntime
  readonly #stateDirectory: string

  private constructor(topology: Topology, stateDirectory: string, runtime: NativeRuntime) {
    this.topology = topology
    this.directory = new StageDirectory(stateDirectory, topology.stage)
    this.#stateDirectory = stateDirectory
    this.#runtime = runtime
  }

  /** `environment` reaches the services as it would from the user's shell. */
  static async start(settings: Partial<StageSettings> = {}, environment: Record<string, string> = {}): Promise<RunningStage> {
    Object.assign(process.env, environment)
    try {
      for (let attempt = 1; ; attempt++) {
        const stateDirectory = makeStateDirectory()
        const runtime = new NativeRuntime(stateDirectory)
        const topology = topologyOf('stage1', { portOffset: await drawPortOffset('stage1') })
        try {
          await runtime.startStage(topology, { ...DEFAULTS, ...settings })
          return new RunningStage(topology, stateDirectory, runtime)
        } catch (error) {
          rmSync(stateDirectory, { recursive: true, force: true })
          if (attempt === STARTS_MAX || !(error instanceof Failure && error.message.includes('taken'))) throw error
        }
      }
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name]
    }
  }

  /** Where a tier is entered: its load balancer. */
  entry(tier: Tier): string {
    return entryUrl(this.topology, tier)
  }

  nodes(tier: Tier): readonly Node[] {
    return nodesOf(this.topology, tier)
  }

  node(name: string): Node {
    return this.topology.nodes.find((node) => node.name === name)!
  }

  /** One instance, without its load balancer. */
  url(name: string): string {
    return this.node(name).url
  }

  /** The name of the instance at this `host:port`, as Nginx logs an upstream's address. */
  nameAt(address: string): string | undefined {
    return this.topology.nodes.find(({ url }) => new URL(url).host === address)?.name
  }

  kill(...names: string[]): Promise<unknown> {
    return this.#each(names, (target) => this.#runtime.kill(target))
  }
  stop(...names: string[]): Promise<unknown> {
    return this.#each(names, (target) => this.#runtime.stop(target))
  }
  /** Resolves when each of them is ready. */
  start(...names: string[]): Promise<unknown> {
    return this.#each(names, (target) => this.#runtime.start(target))
  }
  pause(...names: string[]): Promise<unknown> {
    return this.#each(names, (target) => this.#runtime.pause(target))
  }
  resume(...names: string[]): Promise<unknown> {
    return this.#each(names, (target) => this.#runtime.resume(target))
  }

  /** Stops everything and removes the directory; harmless when repeated. */
  async remove(): Promise<void> {
    await this.#runtime.stopStage(this.topology.stage)
    rmSync(this.#stateDirectory, { recursive: true, force: true })
  }

  #each(names: readonly string[], action: (target: Target) => Promise<string>): Promise<unknown> {
    return Promise.all(names.map((instance) => action({ stage: this.topology.stage, instance })))
  }
}
