/**
 * One run of load with every meter on, all of them restricted to the run.
 *
 *   the clients' connections are open ─▶ look at counters, note where logs end ─▶ run ─▶ CPU and memory
 *     ─▶ wait for replicas and for logs ─▶ count and compare
 */
import { primaryOf, nodesOf } from '../../topology.ts'
import type { LoadRun } from '../load/load-run.ts'
import { distributionFromCounters, distributionFromLog } from './distribution.ts'
import type { Observation, ObservedStage, RunLogs } from './observation.ts'
import { reconcile } from './reconcile.ts'
import { ReplicationSampler } from './replication-sampler.ts'
import { type CounterLook, countBetween, lookAtCounters } from './service-counters.ts'

/**
 * The warm-up is over when this is called, and nobody else asks for records until it resolves: after the replicas have caught up, or
 * could not within 30 s.
 */
export async function observeRun(stage: ObservedStage, run: (whenOpened: () => Promise<void>) => Promise<LoadRun>): Promise<Observation> {
  const { topology, resources, signal } = stage
  let countersBefore: CounterLook | undefined
  let logs: RunLogs | null | undefined
  let sampler: ReplicationSampler | undefined
  const startMeters = async (): Promise<void> => {
    countersBefore = await lookAtCounters(topology)
    logs = stage.logs()
    await resources.start()
    if (nodesOf(topology, 'db').length > 1) sampler = new ReplicationSampler(primaryOf(topology).url)
  }
  const load = await endingOnError(
    () => run(startMeters),
    () => sampler?.cancel(),
    resources,
  )
  const instances = await resources.stop()
  if (!countersBefore) throw new Error('Failed to observe a run: it began without its meters.')
  const { served, wrong, refused } = load.outcomes
  const [replication, lines] = await Promise.all([
    sampler?.stop(load.lastAcknowledgedAtMs, signal) ?? null,
    logs?.linesOf(load.requestIdPrefix, served + wrong + refused) ?? null,
  ])
  const counters = countBetween(countersBefore, await lookAtCounters(topology))
  const dbLines = lines?.get('db-lb')
  const distribution = dbLines ? distributionFromLog(topology, dbLines) : distributionFromCounters(topology, counters)
  return { load, instances, distribution, replication, reconciliation: reconcile({ topology, load, logs: lines, counters }) }
}

/** A run that fails leaves no meter running. */
async function endingOnError(run: () => Promise<LoadRun>, cancel: () => void, resources: ObservedStage['resources']): Promise<LoadRun> {
  try {
    return await run()
  } catch (error) {
    cancel()
    await resources.stop()
    throw error
  }
}
