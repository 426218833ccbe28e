/**
 * What a benchmark leaves: the one shape that the suite writes, and that reports and comparisons read.
 *
 *   suite ─▶ .relais/runs/TIME/bench.json (this) ─▶ report.md, report.html, the results page, `compare`
 *
 * Everything a reader could doubt is in it: the machine, the versions, the shares, each repetition on its own, what each request
 * ended as. Figures derived from it (means, intervals, ratios) are computed by the readers, so an old run can be read anew.
 */
import type { StageName } from '../../topology.ts'

export const CONFIGURATIONS = ['balanced', 'single'] as const
export type Configuration = (typeof CONFIGURATIONS)[number]

export const LOADS = ['light', 'medium', 'intensive', 'stress'] as const
export type LoadName = (typeof LOADS)[number]

/** Every request ends in exactly one; they add up to what was asked for. */
export const OUTCOMES = ['served', 'wrong', 'refused', 'timedOut', 'lost'] as const
export type Outcome = (typeof OUTCOMES)[number]
export type OutcomeCounts = Readonly<Record<Outcome, number>>

export interface BenchRecord {
  readonly format: 1
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt: string
  /** False after Ctrl-C: what is here is finished, what is missing was not begun or was cut short. */
  readonly isComplete: boolean
  readonly options: BenchOptions
  readonly machine: Machine
  /** What the generator itself can do against a constant answer, and what share of a core it took to do it. */
  readonly generator: GeneratorLimit | null
  /** The same configuration against itself; the noise floor. Null when not run. */
  readonly noiseFloor: PairedRuns | null
  readonly repetitions: readonly Repetition[]
  readonly capacity: Capacity | null
  readonly pause: PauseExperiment | null
  readonly aggregates: readonly AggregateRun[]
  /** Sentences on what could not be done, or did not go as it should: shown before every figure. */
  readonly remarks: readonly string[]
  /** Sentences on how it was measured, the same for every run of its kind. */
  readonly notes: readonly string[]
}

export interface BenchOptions {
  readonly stages: readonly StageName[]
  readonly configurations: readonly Configuration[]
  readonly loads: readonly LoadName[]
  readonly runs: number
  /** Cores; null with `--saturate`. */
  readonly cpuPerInstance: number | null
  /** Requests offered a second in the open-loop runs; null when none were asked for. */
  readonly ratePerSecond: number | null
  readonly runtime: 'native' | 'compose'
  readonly seed: number
  readonly isQuick: boolean
}

export interface Machine {
  readonly cpuModel: string
  readonly cores: number
  readonly memoryMiB: number
  readonly kernel: string
  /** By program: node, nginx, postgres, relais (commit or "unknown"). */
  readonly versions: Readonly<Record<string, string>>
  /** How CPU shares are held, or why not. */
  readonly cpuLimit: string
}

/** Milliseconds. Null fields when nothing was served. */
export interface LatencySummary {
  readonly meanMs: number | null
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

/** One run of one load on one configuration. */
export interface Repetition {
  readonly stage: StageName
  readonly configuration: Configuration
  readonly load: LoadName
  /** 1-based. */
  readonly run: number
  /** Null: every instance shares the host's cores. */
  readonly cpuPerInstance: number | null
  readonly connections: number
  /** How it was offered: closed loop of `connections`, or open loop at a rate. */
  readonly loop: 'closed' | 'open'
  readonly ratePerSecond: number | null
  /** Not null: this run is broken, is shown, and enters no figure. */
  readonly brokenBecause: string | null
  readonly requested: number
  readonly outcomes: OutcomeCounts
  /** Status (or error code for no status) by how often, of everything not served. */
  readonly failures: Readonly<Record<string, number>>
  readonly durationS: number
  /** Served right a second. */
  readonly goodputPerSecond: number
  /** Answered with whatever status a second: what `ab` would print. */
  readonly throughputPerSecond: number
  readonly transferKiBPerSecond: number
  /** Of served requests. */
  readonly latency: LatencySummary
  readonly readLatency: LatencySummary
  readonly writeLatency: LatencySummary
  readonly instances: readonly InstanceUse[]
  /** CPU seconds of the generator over the run, and the share of one core that is. */
  readonly generatorCpuS: number
  readonly isGeneratorBottleneck: boolean
  readonly distribution: Distribution
  readonly replication: ReplicationUse | null
  readonly reads: ReadChecks
  readonly writes: WriteChecks
  readonly reconciliation: Reconciliation
}

export interface InstanceUse {
  readonly name: string
  readonly cpuS: number
  /** Peak of what was sampled. */
  readonly memoryMiB: number
}

/** From Nginx's access logs, by database; with `single` from the service's own counter. */
export interface Distribution {
  readonly reads: Readonly<Record<string, number>>
  readonly writes: Readonly<Record<string, number>>
  /** Reads that moved to another database on the way. */
  readonly moved: number
}

export interface ReplicationUse {
  /** Samples over the run; the worst replica counts. */
  readonly lagRecordsMax: number | null
  readonly lagMsP50: number | null
  readonly lagMsMax: number | null
  /** From the last acknowledged write until every replica was seen to have it; looked at every 100 ms. */
  readonly caughtUpAfterMs: number | null
  readonly samples: readonly { readonly atMs: number; readonly lagRecords: number | null; readonly lagMs: number | null }[]
}

export interface ReadChecks {
  readonly checked: number
  /** Reads that did not show a write that had been acknowledged before they began: allowed without a token, and counted. */
  readonly stale: number
  /** By how many acknowledged writes, at most. */
  readonly staleByMax: number
}

export interface WriteChecks {
  readonly acknowledged: number
  /** Acknowledged and missing at the end, in any database. Must be 0. */
  readonly missing: number
  /** Present more than once. Must be 0. */
  readonly repeated: number
  /** Not acknowledged and present all the same: allowed (unknown outcome), and counted. */
  readonly unacknowledgedPresent: number
}

export interface Reconciliation {
  /** What each place counted for this run: the client, each load balancer's log, each tier's own counter. */
  readonly counts: Readonly<Record<string, number>>
  /** Sentences on each difference that classes do not explain; empty when all agree. */
  readonly differences: readonly string[]
}

/** Interleaved pairs of rates (larger is better); ratio is A/B. */
export interface PairedRuns {
  readonly a: string
  readonly b: string
  readonly ratesA: readonly number[]
  readonly ratesB: readonly number[]
}

export interface GeneratorLimit {
  readonly closedLoopPerSecond: number
  readonly openLoopPerSecond: number
}

/** Load straight on db-lb, with each database at a fixed share. */
export interface Capacity {
  readonly stage: StageName
  readonly cpuPerDatabase: number | null
  readonly connections: number
  /** Reads over three databases against one. */
  readonly readsThreeAgainstOne: PairedRuns
  readonly writesThreeAgainstOne: PairedRuns
  readonly mixThreeAgainstOne: PairedRuns
  /** Goodput of reads by number of databases, and by concurrency on three; each with every repetition. */
  readonly byDatabases: readonly { readonly databases: number; readonly rates: readonly number[] }[]
  readonly byConcurrency: readonly { readonly connections: number; readonly rates: readonly number[] }[]
  /**
   * CPU that a read costs on three databases and on one alone, and a write a primary without replicas, one with them, and a replica that
   * applies it: what is expected of the mix.
   */
  readonly costs: {
    readonly readCpuMs: number
    readonly readAloneCpuMs: number
    readonly writeAloneCpuMs: number
    readonly writeOnPrimaryCpuMs: number
    readonly applyOnReplicaCpuMs: number
  } | null
  /** Of the reads of a mix on three databases, those that the load balancer gave the primary, 0 to 1; null when not counted. */
  readonly mixReadsOnPrimary: number | null
}

/** One database stopped (SIGSTOP) for a second under a fixed rate and under a closed loop. */
export interface PauseExperiment {
  readonly stage: StageName
  readonly pausedInstance: string
  readonly pauseMs: number
  readonly ratePerSecond: number
  readonly open: { readonly latency: LatencySummary; readonly outcomes: OutcomeCounts; readonly timeline: readonly TimelinePoint[] }
  readonly closed: { readonly latency: LatencySummary; readonly outcomes: OutcomeCounts; readonly timeline: readonly TimelinePoint[] }
}

export interface TimelinePoint {
  readonly atMs: number
  readonly maxMs: number
  readonly p50Ms: number
  readonly served: number
}

export const AGGREGATE_WAYS = ['connection-a-query-primary', 'connection-a-query-three', 'pooled-primary', 'pooled-db-lb'] as const
export type AggregateWay = (typeof AGGREGATE_WAYS)[number]

/** Section 6.3.2 of the report: the aggregate query over 100 000 rows. */
export interface AggregateRun {
  readonly way: AggregateWay
  readonly parallel: number
  readonly run: number
  readonly durationMs: number
  readonly served: number
  /** SQLSTATE 53300, "too many clients already". */
  readonly tooManyClients: number
  readonly otherErrors: number
  readonly latency: LatencySummary
  readonly servedBy: Readonly<Record<string, number>>
}
