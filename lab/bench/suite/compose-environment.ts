/**
 * A cluster of the bench as containers, in a Compose project, on networks and on ports of its own.
 *
 * Shares are set on what runs already, as natively, and with the native period of 20 ms: `cpus` in a compose file means Docker's 100 ms,
 * within which a tenth of a core is away for 90. The containers' own checks are nearly off: they cost more than idle services do.
 */
import { availableParallelism } from 'node:os'
import { bandwidthOf } from '../../runtime/cpu-share.ts'
import { findContainers, type Container } from '../../runtime/compose-containers.ts'
import { docker } from '../../runtime/compose-engine.ts'
import { ComposeProject } from '../../runtime/compose-project.ts'
import { ComposeRuntime } from '../../runtime/compose.ts'
import { EngineApi } from '../../runtime/engine-api.ts'
import { namesIn, type Topology } from '../../topology.ts'
import { ContainerLogs } from '../measure/container-logs.ts'
import { ContainerResources } from '../measure/container-resources.ts'
import type { ResourceMeter, RunLogs } from '../measure/observation.ts'
import { EMPTY_TABLES } from './empty-tables.ts'
import { TestEnvironment } from './test-environment.ts'

/** Clusters of a bench are this many ports apart (environments.ts), so each has another number. */
const PORTS_PER_CLUSTER = 20
const SUBNETS = 100

export class ComposeEnvironment extends TestEnvironment {
  readonly #project: ComposeProject
  readonly #runtime: ComposeRuntime
  #containers: readonly Container[] = []
  #engine: EngineApi | undefined

  constructor(stateDirectory: string, topology: Topology, cpuPerInstance: number | null) {
    super(topology, cpuPerInstance)
    const subnet = `10.${100 + (Math.floor(topology.nodes[0]!.port / PORTS_PER_CLUSTER) % SUBNETS)}`
    this.#project = new ComposeProject(stateDirectory, { subnet, isUnchecked: true })
    this.#runtime = new ComposeRuntime(stateDirectory, this.#project)
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.stop()
    this.#engine = await EngineApi.find()
    const settings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null } as const
    await this.#runtime.startStage(this.topology, settings, { fresh: true, signal })
    const names = namesIn(this.topology)
    const containers = await findContainers(this.#project.name, this.topology.stage)
    this.#containers = containers.toSorted((one, other) => names.indexOf(one.instance) - names.indexOf(other.instance))
  }

  async hold(): Promise<void> {
    if (this.cpuPerInstance !== null) await this.#limit(this.cpuPerInstance)
  }

  async stop(): Promise<void> {
    await this.#runtime.stopStage(this.topology.stage)
    await this.#runtime.removeData(this.topology.stage)
  }

  pause(instance: string): Promise<unknown> {
    return this.#runtime.pause({ stage: this.topology.stage, instance })
  }
  resume(instance: string): Promise<unknown> {
    return this.#runtime.resume({ stage: this.topology.stage, instance })
  }

  resources(): ResourceMeter {
    return new ContainerResources({
      containers: () => Promise.resolve(this.#containers),
      use: (id) => this.#engine!.use(id),
    })
  }

  logs(): RunLogs {
    const balancers = this.#containers.filter(({ process }) => process === 'nginx').map(({ instance, id }) => [instance, id] as const)
    return new ContainerLogs(new Map(balancers), this.topology)
  }

  get cpuLimit(): string | null {
    if (this.cpuPerInstance === null) return null
    return `each service is held to ${this.cpuPerInstance} of a core by its container, and each PostgreSQL server to the same amount again.`
  }

  protected async lift(): Promise<void> {
    if (this.cpuPerInstance !== null) await this.#limit(availableParallelism())
  }

  protected async emptyTables(): Promise<void> {
    const { args } = await this.#runtime.psql(
      'db1',
      EMPTY_TABLES.flatMap((statement) => ['-c', statement]),
    )
    await docker(args)
  }

  /** Load balancers are never held: what is compared is the instances. */
  async #limit(cores: number): Promise<void> {
    const { periodUs, quotaUs } = bandwidthOf(cores)
    const held = this.#containers.filter(({ instance, process }) => instance !== '' && process !== 'nginx').map(({ id }) => id)
    await docker(['update', '--cpu-period', String(periodUs), '--cpu-quota', String(quotaUs), ...held])
  }
}
