/**
 * What is measured beside a run of load: the contract between the suite and the meters.
 *
 *   observeRun(ObservedStage, runLoad) ─▶ Observation ─▶ Repetition (results/bench-record.ts)
 *
 * How CPU, memory and logs are got at differs between runtimes, so they are given as sources; the rest is HTTP.
 */
import type { InstanceUse, Repetition } from '../results/bench-record.ts'
import type { Topology } from '../../topology.ts'
import type { LoadRun } from '../load/load-run.ts'
import type { LoggedRequest } from './access-logs.ts'

/** CPU and memory of the instances between two moments. */
export interface ResourceMeter {
  /** From now on. */
  start(): Promise<void>
  /** Until now: every instance and load balancer whose use is known, in the order of the topology. */
  stop(): Promise<readonly InstanceUse[]>
}

/** What load balancers log from some moment on. */
export interface RunLogs {
  /** By balancer. Waits until each has logged `expected` requests of the run, or had the time to. */
  linesOf(requestIdPrefix: string, expected: number): Promise<ReadonlyMap<string, readonly LoggedRequest[]>>
}

export interface ObservedStage {
  readonly topology: Topology
  readonly resources: ResourceMeter
  /** What the load balancers log from the call on; null where nobody here can read it. */
  readonly logs: () => RunLogs | null
  readonly signal?: AbortSignal
}

export interface Observation extends Pick<Repetition, 'instances' | 'distribution' | 'replication' | 'reconciliation'> {
  readonly load: LoadRun
}
