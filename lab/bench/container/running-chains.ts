/**
 * Which chains run beside this container: stage 1, stage 2, each with load balancers or single, as their containers call each other.
 */
import { askOnce } from '../../runtime/ask-once.ts'
import { insideTopology } from '../../runtime/compose-nginx-files.ts'
import { STAGE_NAMES, type StageName, type Topology } from '../../topology.ts'
import { CONFIGURATIONS, type Configuration } from '../results/bench-record.ts'

export interface RunningChain {
  readonly stage: StageName
  readonly configuration: Configuration
  readonly topology: Topology
}

const ASK_MS_MAX = 2_000

/** Those whose every instance is ready. Compose waited for them; what is not there was not asked of it. */
export async function findRunningChains(): Promise<readonly RunningChain[]> {
  const chains = STAGE_NAMES.flatMap((stage) =>
    CONFIGURATIONS.map((configuration) => ({ stage, configuration, topology: insideTopology(stage, configuration === 'single') })),
  )
  const found = await Promise.all(chains.map(async (chain) => ((await isReady(chain.topology)) ? [chain] : [])))
  return found.flat()
}

async function isReady({ nodes }: Topology): Promise<boolean> {
  const statuses = await Promise.all(
    nodes.map(({ url }) =>
      askOnce(`${url}/readyz`, ASK_MS_MAX).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  )
  return statuses.every((status) => status === 200)
}
