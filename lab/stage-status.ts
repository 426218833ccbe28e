/**
 * The status of a stage, put together from three sources that may disagree, in this order: the operating system (does
 * it run, is it paused), the instance itself (does it serve), and the replication (how far is it).
 *
 * The lag of a replica is the primary's view, because a replica that is cut off does not know what it has missed; while
 * the primary is away it is the replica's own.
 */
import { askOnce } from './runtime/ask-once.ts'
import { isServing } from './runtime/readiness.ts'
import type { InstanceState, LocatedInstance, LocatedStage, Runtime, RuntimeName } from './runtime/runtime.ts'
import { STAGE_NAMES, type Role, type StageName, type Tier } from './topology.ts'

/** `ready`: every instance is. `degraded`: not every one. `stopped`: it does not run, and has no instances. */
type StageState = 'ready' | 'starting' | 'stopping' | 'degraded' | 'stopped'

export interface InstanceStatus {
  readonly name: string
  readonly tier: Tier | 'lb'
  readonly role: Role | null
  readonly url: string
  readonly pid: number | null
  readonly state: InstanceState
  /** "EPOCH:N" in stage 1. `null` for all but database nodes that answer. */
  readonly position: string | null
  /** These three are `null` for all but replicas that answer. */
  readonly lagRecords: number | null
  readonly lagBytes: number | null
  readonly lagMs: number | null
}

export interface StageStatus {
  readonly state: StageState
  readonly runtime: RuntimeName | null
  /** `null` with `--single`, and when the stage does not run. */
  readonly loadBalancers: Readonly<Record<Tier, string>> | null
  readonly instances: readonly InstanceStatus[]
}

/** Every stage that this version can run, running or not. */
export async function statusOfStages(runtime: Runtime): Promise<Partial<Record<StageName, StageStatus>>> {
  const rows = STAGE_NAMES.map(async (stage) => [stage, await statusOf(runtime, stage)] as const)
  return Object.fromEntries(await Promise.all(rows))
}

async function statusOf(runtime: Runtime, stage: StageName): Promise<StageStatus> {
  const located = await runtime.locate(stage)
  if (!located) return { state: 'stopped', runtime: null, loadBalancers: null, instances: [] }
  const [states, reports] = await Promise.all([
    Promise.all(located.instances.map(stateOf)),
    Promise.all(located.instances.map(askReplication)),
  ])
  const primary = reports.find((report) => report?.role === 'primary')
  const instances = located.instances.map((instance, index): InstanceStatus => {
    const { name, tier, role, url, pid } = instance
    return { name, tier, role, url, pid, state: states[index]!, ...progressOf(name, reports[index], primary) }
  })
  return { state: stageState(located, states), runtime: located.runtime, loadBalancers: balancersOf(located), instances }
}

async function stateOf(instance: LocatedInstance): Promise<InstanceState> {
  if (instance.life !== 'running') return instance.life
  return (await isServing(instance)) ? 'ready' : 'starting'
}

function stageState({ phase }: LocatedStage, states: readonly InstanceState[]): StageState {
  if (states.every((state) => state === 'ready')) return 'ready'
  return phase === 'running' ? 'degraded' : phase
}

function balancersOf({ topology }: LocatedStage): StageStatus['loadBalancers'] {
  if (topology.loadBalancers.length === 0) return null
  return Object.fromEntries(topology.loadBalancers.map(({ tier, url }) => [tier, url])) as Record<Tier, string>
}

/** What the status takes of `GET /api/replication` (shared/store/store.ts, ReplicationStatus). */
interface ReplicationReport {
  readonly role: Role
  readonly position: string
  readonly upstream: Lag | null
  readonly replicas: readonly (Lag & { readonly name: string })[]
}

interface Lag {
  readonly lagRecords: number | null
  readonly lagBytes: number | null
  readonly lagMs: number | null
}

const NO_LAG: Lag = { lagRecords: null, lagBytes: null, lagMs: null }
const ASK_MS_MAX = 1_000

async function askReplication({ tier, life, url }: LocatedInstance): Promise<ReplicationReport | undefined> {
  if (tier !== 'db' || life !== 'running') return undefined
  try {
    const { status, text } = await askOnce(`${url}/api/replication`, ASK_MS_MAX)
    if (status === 200) return JSON.parse(text) as ReplicationReport
  } catch {
    // It does not answer; its state says why.
  }
  return undefined
}

function progressOf(
  name: string,
  own: ReplicationReport | undefined,
  primary: ReplicationReport | undefined,
): Lag & { position: string | null } {
  if (!own) return { position: null, ...NO_LAG }
  if (own.role === 'primary') return { position: own.position, ...NO_LAG }
  const lag = primary?.replicas.find((replica) => replica.name === name) ?? own.upstream ?? NO_LAG
  return { position: own.position, lagRecords: lag.lagRecords, lagBytes: lag.lagBytes, lagMs: lag.lagMs }
}
