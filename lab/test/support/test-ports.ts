/**
 * Ports and addresses for tests. Files run beside each other, one for each worker, and look whether ports are free long before they take
 * them: so each worker draws from ranges of its own, none of which meets another worker's, the product's own, or those that
 * the system gives to outgoing connections.
 *
 *   worker 1, 2, …   clusters at offsets 3 000, 5 000, … (below 1 000 wide, as stage 2's ports are stage 1's and 1 000)
 *                    a bench, ten clusters, at 9 400, 9 600, …
 */
import { findTakenPorts } from '../../runtime/ports.ts'
import { portsIn, topologyOf, type StageName } from '../../topology.ts'

const WORKERS_MAX = 4
const WORKER = Number(process.env['VITEST_POOL_ID'] ?? 1) % WORKERS_MAX
const CLUSTER_STEP = 20
const CLUSTERS = 49
const DRAWS_MAX = 200

/** Where a cluster of these stages finds its ports free. */
export async function drawPortOffset(...stages: readonly StageName[]): Promise<number> {
  for (let draw = 1; draw <= DRAWS_MAX; draw++) {
    const portOffset = 1_000 + 2_000 * WORKER + CLUSTER_STEP * Math.floor(Math.random() * CLUSTERS)
    const taken = await Promise.all(stages.map((stage) => findTakenPorts('127.0.0.1', portsIn(topologyOf(stage, { portOffset })))))
    if (taken.flat().length === 0) return portOffset
  }
  throw new Error(`no free ports in ${DRAWS_MAX} draws`)
}

export const BENCH_PORT_OFFSET = 9_200 + 200 * WORKER

/** Two numbers of an address, for the networks of containers: above those that the lab takes by itself. */
export const SUBNET = `10.${200 + WORKER}`
