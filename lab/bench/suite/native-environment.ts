/**
 * A cluster of the bench as processes of this machine, with a state directory and ports of its own: a lab that runs beside is not
 * touched. Shares are cgroups, CPU and memory are read from /proc.
 *
 * No record is left: in stage 1 all are deleted, in stage 2 the tables are emptied and a checkpoint is made.
 */
import { availableParallelism } from 'node:os'
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { primaryOf as primaryServerOf } from '@relais/stage2-postgres/cluster/cluster.ts'
import { findCpuShares, holdProcess } from '../../runtime/cpu-share.ts'
import { NativeRuntime } from '../../runtime/native.ts'
import { serverPlans } from '../../runtime/postgres-servers.ts'
import { StageDirectory } from '../../runtime/stage-directory.ts'
import { readStageState } from '../../runtime/stage-state.ts'
import type { Topology } from '../../topology.ts'
import { AccessLogs } from '../measure/access-logs.ts'
import { nativeResources } from '../measure/native-resources.ts'
import type { ResourceMeter, RunLogs } from '../measure/observation.ts'
import { EMPTY_TABLES } from './empty-tables.ts'
import { TestEnvironment } from './test-environment.ts'

const EMPTYING_MS_MAX = 30_000

export class NativeEnvironment extends TestEnvironment {
  readonly #runtime: NativeRuntime
  readonly #stateDirectory: string
  #cpuLimit: string | null = null
  /** Whether shares can be set on what runs already; a systemd scope has its own from the start. */
  #isLater = false

  constructor(stateDirectory: string, topology: Topology, cpuPerInstance: number | null) {
    super(topology, cpuPerInstance)
    this.#stateDirectory = stateDirectory
    this.#runtime = new NativeRuntime(stateDirectory)
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.stop()
    const shares = this.cpuPerInstance === null ? undefined : findCpuShares(this.cpuPerInstance)
    this.#isLater = shares?.isHeld === true && shares.groupFor('any') !== null
    const cpuPerInstance = this.#isLater ? availableParallelism() : this.cpuPerInstance
    const settings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance } as const
    await this.#runtime.startStage(this.topology, settings, { fresh: true, signal })
    this.#cpuLimit = shares?.description ?? null
  }

  /** Starting within a tenth of a core would take longer than the tests. */
  hold(): Promise<void> {
    if (this.cpuPerInstance !== null) this.#limit(this.cpuPerInstance)
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    await this.#runtime.stopStage(this.topology.stage)
  }

  pause(instance: string): Promise<unknown> {
    return this.#runtime.pause({ stage: this.topology.stage, instance })
  }
  resume(instance: string): Promise<unknown> {
    return this.#runtime.resume({ stage: this.topology.stage, instance })
  }

  resources(): ResourceMeter {
    return nativeResources(this.directory)
  }

  logs(): RunLogs {
    const balancers = this.topology.loadBalancers.map(({ name }) => name)
    return new AccessLogs(balancers, (balancer) => `${this.directory.nginxPrefix(balancer)}/logs`)
  }

  get cpuLimit(): string | null {
    return this.#cpuLimit
  }

  get directory(): StageDirectory {
    return new StageDirectory(this.#stateDirectory, this.topology.stage)
  }

  protected lift(): Promise<void> {
    if (this.cpuPerInstance !== null) this.#limit(availableParallelism())
    return Promise.resolve()
  }

  #limit(cores: number): void {
    if (!this.#isLater) return
    for (const { cpuGroup, processes } of readStageState(this.directory.stateFile)?.instances ?? [])
      for (const { identity } of processes) if (cpuGroup !== null && identity) holdProcess(cpuGroup, cores, identity.pid)
  }

  protected async emptyTables(): Promise<void> {
    const cluster = await describeCluster({ dir: this.directory.postgres, nodes: serverPlans(this.topology) })
    await loginAs(
      primaryServerOf(cluster),
      'admin',
      async (sql) => {
        for (const statement of EMPTY_TABLES) await sql.unsafe(statement)
      },
      { timeoutMs: EMPTYING_MS_MAX },
    )
  }
}
