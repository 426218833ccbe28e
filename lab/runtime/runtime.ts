/**
 * What a runtime does: it starts, stops, kills, pauses, limits and locates instances.
 *
 * Everything above it (commands, benchmark, walkthrough, tests) works with either implementation: native processes
 * (`native.ts`) or containers. A runtime keeps no state in memory: what runs is read from the stage's directory
 * and from the operating system, so that any shell can act on what another one started, also after that one crashed.
 */
import type { Durability, Replication } from '../service-environment.ts'
import type { Role, StageName, Tier, Topology } from '../topology.ts'

export const RUNTIME_NAMES = ['native', 'compose'] as const
export type RuntimeName = (typeof RUNTIME_NAMES)[number]

export const POLICIES = ['round-robin', 'least-conn', 'ip-hash', 'weighted', 'random-two', 'hash', 'sticky'] as const
export type Policy = (typeof POLICIES)[number]

/** What `up` was asked for, beyond the topology. */
export interface StageSettings {
  readonly replication: Replication
  readonly durability: Durability
  /** `null`: what each tier's Nginx file has as its default. */
  readonly policy: Policy | null
  /** Cores that each instance may use, 0.1 for a tenth of one; `null` for no limit. */
  readonly cpuPerInstance: number | null
}

/** `stage1/db2`, or one of its processes: `stage2/db1/postgres`. */
export interface Target {
  readonly stage: StageName
  readonly instance: string
  readonly process?: string | undefined
}

/**
 * ready: serves. starting: runs and does not serve yet. paused: SIGSTOP.
 * stopped: ended because it was asked to. dead: ended without being asked.
 */
export type InstanceState = 'ready' | 'starting' | 'stopped' | 'paused' | 'dead'

export interface LocatedInstance {
  readonly name: string
  readonly tier: Tier | 'lb'
  readonly role: Role | null
  readonly url: string
  /** Of its first process; `null` when that does not run. */
  readonly pid: number | null
  /** What the operating system says: whether it serves (`ready` or `starting`) is asked over HTTP by the caller. */
  readonly life: 'running' | 'paused' | 'stopped' | 'dead'
  /** `null` where the engine keeps it: `docker logs`. */
  readonly logFile: string | null
}

/** `starting` and `stopping` while a lab is at work on it, or after one that never got to the end. */
export type StagePhase = 'starting' | 'running' | 'stopping'

export interface LocatedStage {
  readonly stage: StageName
  readonly runtime: RuntimeName
  readonly topology: Topology
  readonly settings: StageSettings
  readonly phase: StagePhase
  readonly instances: readonly LocatedInstance[]
}

/** Told about each step of a start, for whoever shows progress. */
interface StartObserver {
  readonly ready?: (instance: string, afterMs: number) => void
  /** What is being made before anything starts, in a few words. */
  readonly progress?: (message: string) => void
}

export interface StartedStage {
  readonly afterMs: number
  /** One sentence on how the CPU shares are held, or why they are not; `null` when none were asked for. */
  readonly cpuLimit: string | null
  /** What else was done that somebody may miss or look for, a sentence each. */
  readonly notes: readonly string[]
}

export interface Runtime {
  /** Resolves when every instance serves. If one does not start, nothing stays behind and it rejects saying which and why. */
  startStage(topology: Topology, settings: StageSettings, options: StartOptions): Promise<StartedStage>
  /** Idempotent; `null` when there was nothing to stop. */
  stopStage(stage: StageName): Promise<StoppedStage | null>
  /** Who confirms a write, from now on; only stage 2 can change it while it runs. */
  setDurability(stage: StageName, durability: Durability): Promise<void>
  /** psql on the server of a database instance of stage 2, as its administrator, with these arguments more. */
  psql(instance: string, args: readonly string[], isInteractive?: boolean): Promise<PsqlCommand>
  /** `null` when the stage does not run. */
  locate(stage: StageName): Promise<LocatedStage | null>
  /** Tells what happens to a running stage, whoever does it; resolves when it is taken down or the signal says so. */
  watch(stage: StageName, events: StageEvents, signal: AbortSignal): Promise<'down' | 'aborted'>
  /** Each resolves to one sentence on what was done. */
  start(target: Target): Promise<string>
  stop(target: Target): Promise<string>
  kill(target: Target): Promise<string>
  pause(target: Target): Promise<string>
  resume(target: Target): Promise<string>
}

/** To be run with the user's environment and this added. */
export interface PsqlCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface StartOptions {
  /** Default: native. */
  readonly runtime?: RuntimeName
  /** Throw away what an earlier run left: data and logs. */
  readonly fresh?: boolean
  readonly observer?: StartObserver
  /** Ends the start; everything that was begun is stopped. */
  readonly signal?: AbortSignal
}

export interface StageEvents {
  /** It ended; `words` are its last lines, or `null` when somebody asked for it with `kill`. */
  readonly died: (instance: string, pid: number, words: string | null) => void
  readonly stopped: (instance: string) => void
  readonly paused: (instance: string) => void
  /** It runs again, after any of the above. */
  readonly back: (instance: string) => void
}

export interface StoppedStage {
  readonly processes: number
  /** How many had to be killed because they did not end in time. */
  readonly killed: number
  readonly afterMs: number
}
