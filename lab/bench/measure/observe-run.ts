/** One run of load with every meter on: resources, replication, logs and counters, all restricted to the run. */
import type { LoadRun } from '../load/load-run.ts'
import type { Observation, ObservedStage } from './observation.ts'

/** The warm-up is over when this is called. Resolves after the replicas have caught up, or could not. */
export function observeRun(_stage: ObservedStage, _run: () => Promise<LoadRun>): Promise<Observation> {
  throw new Error('not there yet')
}
