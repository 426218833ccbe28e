/**
 * One running cluster that tests are made on, and how it is put back to nothing between two of them (section 6.1: "reset").
 *
 *   start (once) ─▶ break-in ─▶ [reset ─▶ a test] …  ─▶ stop
 *
 * A reset means that no record is left: in stage 1 the database processes are stopped, started empty and broken in, in stage 2 the tables
 * are emptied, a checkpoint is made, and the standbys have replayed it. Frontends, backends and load balancers go on:
 * started anew each time, a test of 1 000 requests would measure the compiling of their code.
 * It has a state directory and ports of its own, so a lab that runs beside is not touched.
 */
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { primaryOf as primaryServerOf } from '@relais/stage2-postgres/cluster/cluster.ts'
import { z } from 'zod'
import { failed } from '../../failure.ts'
import { askOnce } from '../../runtime/ask-once.ts'
import { findCpuShares, holdProcess } from '../../runtime/cpu-share.ts'
import { NativeRuntime } from '../../runtime/native.ts'
import { serverPlans } from '../../runtime/postgres-servers.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { StageDirectory } from '../../runtime/stage-directory.ts'
import { readStageState } from '../../runtime/stage-state.ts'
import { breakInDatabases } from './break-in.ts'
import { entryUrl, nodesOf, primaryOf, type Tier, type Topology } from '../../topology.ts'

const RESET_MS_MAX = 30_000
const ASK_MS_MAX = 1_000
const POLL_MS = 20

/** What of `GET /api/replication` says that a replica has everything. */
const progressSchema = z.object({
  replicas: z.array(z.object({ lagRecords: z.number().nullable(), lagBytes: z.number().nullable() })),
})

const newestSchema = z.object({ records: z.array(z.object({ id: z.number() })) })

export class TestEnvironment {
  readonly topology: Topology
  readonly runtime: Runtime
  readonly cpuPerInstance: number | null
  readonly #stateDirectory: string
  #cpuLimit: string | null = null
  /** Whether shares can be set on what runs already; a systemd scope has its own from the start. */
  #isLater = false

  constructor(stateDirectory: string, topology: Topology, cpuPerInstance: number | null) {
    this.#stateDirectory = stateDirectory
    this.topology = topology
    this.cpuPerInstance = cpuPerInstance
    this.runtime = new NativeRuntime(stateDirectory)
  }

  /** Ends what an earlier bench left of it, then starts it without data; its shares hold from `hold` on. */
  async start(signal: AbortSignal): Promise<void> {
    await this.stop()
    const shares = this.cpuPerInstance === null ? undefined : findCpuShares(this.cpuPerInstance)
    this.#isLater = shares?.isHeld === true && shares.groupFor('any') !== null
    const cpuPerInstance = this.#isLater ? availableParallelism() : this.cpuPerInstance
    const settings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance } as const
    await this.runtime.startStage(this.topology, settings, { fresh: true, signal })
    this.#cpuLimit = shares?.description ?? null
  }

  /** From now on each instance has its share, and no more. Starting within a tenth of a core would take longer than the tests. */
  hold(): void {
    if (!this.#isLater || this.cpuPerInstance === null) return
    for (const { cpuGroup, processes } of readStageState(this.directory.stateFile)?.instances ?? [])
      for (const { identity } of processes) if (cpuGroup !== null && identity) holdProcess(cpuGroup, this.cpuPerInstance, identity.pid)
  }

  async stop(): Promise<void> {
    await this.runtime.stopStage(this.topology.stage)
  }

  /** Resolves when no record is left and a read gets through; rejects when that takes too long. */
  async reset(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(RESET_MS_MAX + startAllowanceMs(this.cpuPerInstance))])
    if (this.topology.stage === 'stage1') await this.#restartDatabases(deadline)
    else await this.#emptyTables()
    await this.untilLevel(deadline)
    await this.#until('an empty page comes through', deadline, () => this.#isEmpty())
    // What was started anew was started without its share.
    this.hold()
  }

  /** Resolves when every replica has what the primary has. */
  untilLevel(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(RESET_MS_MAX)])
    return this.#until('every replica is level', deadline, () => this.#areReplicasLevel())
  }

  /** How the shares are held, or why not; null when none were asked for. */
  get cpuLimit(): string | null {
    return this.#cpuLimit
  }

  /** Where load enters: the outermost tier there is. */
  get entryUrl(): string {
    return entryUrl(this.topology, this.outermostTier)
  }

  /** The id of the newest record; 0 when there is none. What is older belongs to nobody's ledger. */
  async newestId(): Promise<number> {
    const { text } = await askOnce(`${primaryOf(this.topology).url}/api/data?limit=1`, ASK_MS_MAX)
    return newestSchema.parse(JSON.parse(text)).records[0]?.id ?? 0
  }

  get outermostTier(): Tier {
    return this.topology.nodes[0]!.tier
  }

  get directory(): StageDirectory {
    return new StageDirectory(this.#stateDirectory, this.topology.stage)
  }

  get databaseUrls(): readonly string[] {
    return nodesOf(this.topology, 'db').map(({ url }) => url)
  }

  readonly accessLogDirectory = (balancer: string): string => `${this.directory.nginxPrefix(balancer)}/logs`

  /** All away before one comes back: an empty primary would otherwise recover its list from a replica. */
  async #restartDatabases(signal: AbortSignal): Promise<void> {
    const targets = nodesOf(this.topology, 'db').map(({ name }) => ({ stage: this.topology.stage, instance: name }))
    for (const target of targets) await this.runtime.stop(target)
    signal.throwIfAborted()
    await Promise.all(targets.map((target) => this.runtime.start(target)))
    await breakInDatabases(this.databaseUrls, signal)
  }

  async #emptyTables(): Promise<void> {
    const cluster = await describeCluster({ dir: this.directory.postgres, nodes: serverPlans(this.topology) })
    await loginAs(
      primaryServerOf(cluster),
      'admin',
      async (sql) => {
        await sql`TRUNCATE relais.records, relais.idempotency_keys RESTART IDENTITY`
        await sql`CHECKPOINT`
      },
      { timeoutMs: RESET_MS_MAX },
    )
  }

  async #areReplicasLevel(): Promise<boolean> {
    const replicas = nodesOf(this.topology, 'db').length - 1
    const { status, text } = await askOnce(`${primaryOf(this.topology).url}/api/replication`, ASK_MS_MAX)
    if (status !== 200) return false
    const progress = progressSchema.parse(JSON.parse(text)).replicas
    return progress.length >= replicas && progress.every(({ lagRecords, lagBytes }) => (lagRecords ?? lagBytes) === 0)
  }

  /** Each database by itself, then the whole way, which also ends the load balancers' memory of a database that was away. */
  async #isEmpty(): Promise<boolean> {
    const urls = [...this.databaseUrls, this.entryUrl]
    const answers = await Promise.all(urls.map((url) => askOnce(`${url}/api/data?limit=1`, ASK_MS_MAX)))
    return answers.every(({ status, text }) => status === 200 && text.startsWith('{"records":[]'))
  }

  async #until(what: string, signal: AbortSignal, isTrue: () => Promise<boolean>): Promise<void> {
    while (!(await isTrue().catch(() => false))) {
      if (signal.aborted) throw failed(`Failed to reset ${this.topology.stage}: not seen in time that ${what}.`)
      await sleep(POLL_MS)
    }
  }
}

/** A start costs CPU, and a small share makes it long. */
function startAllowanceMs(cpuPerInstance: number | null): number {
  return cpuPerInstance === null ? 0 : Math.round(1_000 / cpuPerInstance)
}
