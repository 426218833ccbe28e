/**
 * What is measured beside a run of load: the contract between the suite and the meters.
 *
 *   observeRun(ObservedStage, () => runLoad(…)) ─▶ Observation ─▶ Repetition (results/bench-record.ts)
 *
 * How CPU, memory and logs are got at differs between runtimes, so they are given as sources; the rest is HTTP.
 */
import type { InstanceUse, Repetition } from '../results/bench-record.ts'
import type { Topology } from '../../topology.ts'
import type { LoadRun } from '../load/load-run.ts'

/** CPU and memory of the instances between two moments. */
export interface ResourceMeter {
  /** From now on. */
  start(): Promise<void>
  /** Until now: every instance and load balancer, in the order of the topology. */
  stop(): Promise<readonly InstanceUse[]>
}

export interface ObservedStage {
  readonly topology: Topology
  readonly resources: ResourceMeter
  /** The directory with a balancer's `access-read.json` and `access-write.json`, on this machine. */
  readonly accessLogDirectory: (balancer: string) => string
  readonly signal?: AbortSignal
}

export interface Observation extends Pick<Repetition, 'instances' | 'distribution' | 'replication' | 'reconciliation'> {
  readonly load: LoadRun
}
