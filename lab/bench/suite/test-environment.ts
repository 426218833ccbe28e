/**
 * One running cluster that tests are made on, and how it is put back to nothing between two of them (section 6.1: "reset").
 *
 *   start (once) ─▶ break-in ─▶ [reset ─▶ a test] …  ─▶ stop
 *
 * A reset means that no record is left and every replica is level. All processes go on: started anew each time, a test of 1 000
 * requests would measure the compiling of their code. The shares are lifted meanwhile, and all tiers open their connections
 * (decision 0038).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { failed } from '../../failure.ts'
import { askOnce } from '../../runtime/ask-once.ts'
import { entryUrl, nodesOf, primaryOf, type Tier, type Topology } from '../../topology.ts'
import { deleteAll, openConnections } from './break-in.ts'
import type { ResourceMeter, RunLogs } from '../measure/observation.ts'

const RESET_MS_MAX = 30_000
const ASK_MS_MAX = 1_000
const POLL_MS = 20

/** What of `GET /api/replication` says that a replica has everything. */
const progressSchema = z.object({
  replicas: z.array(z.object({ lagRecords: z.number().nullable(), lagBytes: z.number().nullable() })),
})

const newestSchema = z.object({ records: z.array(z.object({ id: z.number() })) })

export abstract class TestEnvironment {
  readonly topology: Topology
  readonly cpuPerInstance: number | null

  constructor(topology: Topology, cpuPerInstance: number | null) {
    this.topology = topology
    this.cpuPerInstance = cpuPerInstance
  }

  /** Ends what an earlier bench left of it, then starts it without data; its shares hold from `hold` on. */
  abstract start(signal: AbortSignal): Promise<void>
  /** From now on each instance has its share, and no more. */
  abstract hold(): Promise<void>
  abstract stop(): Promise<void>
  /** SIGSTOP and SIGCONT, or what the runtime has for it. */
  abstract pause(instance: string): Promise<unknown>
  abstract resume(instance: string): Promise<unknown>
  /** CPU and memory of the instances. */
  abstract resources(): ResourceMeter
  /** What the load balancers log from now on; null where nobody here can read it. */
  abstract logs(): RunLogs | null
  /** How the shares are held, or why not; null when none were asked for. */
  abstract get cpuLimit(): string | null

  /** Until `hold`, each instance may use all cores; where shares are set at the start, they stay. */
  protected abstract lift(): Promise<void>
  /** Stage 2: the tables are empty on the primary, and a checkpoint was made. */
  protected abstract emptyTables(): Promise<void>

  /** Resolves when no record is left and a read gets through; rejects when that takes too long. */
  async reset(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(RESET_MS_MAX + startAllowanceMs(this.cpuPerInstance))])
    await this.lift()
    await openConnections(this, deadline)
    await (this.topology.stage === 'stage1' ? deleteAll(primaryOf(this.topology).url, deadline) : this.emptyTables())
    await this.untilLevel(deadline)
    await this.#until('an empty page is served by every tier', deadline, () => this.#isEmpty())
    await this.hold()
  }

  /** Resolves when every replica has what the primary has. */
  untilLevel(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(RESET_MS_MAX)])
    return this.#until('every replica has caught up', deadline, () => this.#areReplicasLevel())
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

  /** The primary's first. */
  get databaseUrls(): readonly string[] {
    return nodesOf(this.topology, 'db').map(({ url }) => url)
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
      if (signal.aborted) throw failed(`Failed to reset ${this.topology.stage}: gave up waiting until ${what}.`)
      await sleep(POLL_MS)
    }
  }
}

/** A start costs CPU, and a small share makes it long. */
function startAllowanceMs(cpuPerInstance: number | null): number {
  return cpuPerInstance === null ? 0 : Math.round(1_000 / cpuPerInstance)
}
