/**
 * Stage 2's PostgreSQL servers in the native runtime: the cluster is made before anything starts, then each server is
 * kept by a process of its own beside the service that uses it.
 *
 *   prepareCluster ─▶ stage2/db1: [postgres] the keeper and its server · [service] the database service
 */
import { formatNodes } from '@relais/stage2-postgres/cluster/node-list.ts'
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { describeCluster, prepareCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { endServer } from '@relais/stage2-postgres/cluster/server.ts'
import type { NodePlan } from '@relais/stage2-postgres/cluster/cluster.ts'
import { serviceEnvironment } from '@relais/stage2-postgres/cluster/connect.ts'
import { DURABILITY_MS_MAX, setDurability } from '@relais/stage2-postgres/replication/durability.ts'
import { failed } from '../failure.ts'
import { nodesOf, primaryOf, type Node, type Topology } from '../topology.ts'
import type { Durability } from '../service-environment.ts'
import type { StageSettings, StartOptions } from './runtime.ts'
import { REPOSITORY, type StageDirectory } from './stage-directory.ts'
import type { ProcessRecord } from './stage-state.ts'

export interface PostgresServers {
  /** What a node's service needs to know of its server. */
  serviceEnvironment(node: Node): Record<string, string>
  /** The process that keeps the node's server. */
  keeper(node: Node): ProcessRecord
}

const ENTRY = 'stage2-postgres/cluster/main.ts'

/** Makes what is missing of the cluster; rejects when PostgreSQL is missing or the data cannot be used. */
export async function prepareServers(
  directory: StageDirectory,
  topology: Topology,
  settings: StageSettings,
  { fresh = false, observer, signal }: StartOptions,
): Promise<PostgresServers> {
  const nodes = serverPlans(topology)
  const dir = directory.postgres
  const onProgress = (message: string): void => observer?.progress?.(message)
  const cluster = await prepareCluster({ dir, nodes, fresh, onProgress, ...(signal && { signal }) }).catch((error: unknown) => {
    if (signal?.aborted) throw failed(`Stopped before ${topology.stage} was ready, as asked.`)
    throw failed(`Failed to make the PostgreSQL cluster of ${topology.stage}: ${error instanceof Error ? error.message : String(error)}`)
  })
  const environment = {
    RELAIS_PRIMARY: primaryOf(topology).name,
    RELAIS_DURABILITY: settings.durability,
    RELAIS_CLUSTER_DIR: dir,
    RELAIS_CLUSTER_NODES: formatNodes(nodes),
  }
  return {
    serviceEnvironment: ({ name }) => serviceEnvironment(cluster.nodes.find((node) => node.name === name)!),
    keeper: (node) => ({
      name: 'postgres',
      command: process.execPath,
      args: [ENTRY],
      cwd: REPOSITORY,
      env: { ...environment, RELAIS_NAME: node.name },
      stopSignal: 'SIGTERM',
      identity: null,
      asked: null,
    }),
  }
}

/** The servers as the cluster's own files know them. */
export function serverPlans(topology: Topology): NodePlan[] {
  return nodesOf(topology, 'db').map(({ name, role, postgresPort }) => ({ name, role: role!, port: postgresPort! }))
}

/** After `down`: whatever a crash left of the servers, processes and shared memory included. */
export async function endServers(directory: StageDirectory, topology: Topology): Promise<void> {
  // To end them needs signals only; what made them may be here no more.
  const cluster = await describeCluster({ dir: directory.postgres, nodes: serverPlans(topology), programs: { bindir: '', major: 0 } })
  for (const node of cluster.nodes) await endServer(node)
}

/** Changes who confirms a write, on the running primary. */
export async function setServersDurability(directory: StageDirectory, topology: Topology, durability: Durability): Promise<void> {
  const cluster = await describeCluster({ dir: directory.postgres, nodes: serverPlans(topology) })
  const standbys = cluster.nodes.filter(({ role }) => role === 'replica').map(({ name }) => name)
  const primary = cluster.nodes.find(({ role }) => role === 'primary')!
  const change = loginAs(primary, 'admin', (sql) => setDurability(sql, durability, standbys), { timeoutMs: DURABILITY_MS_MAX })
  await change.catch((error: unknown) => {
    throw failed(`Failed to set the durability of ${topology.stage}: ${error instanceof Error ? error.message : String(error)}`)
  })
}
