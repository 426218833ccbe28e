/**
 * Stage 2's PostgreSQL servers in the native runtime: the cluster is made before anything starts, then each server is
 * kept by a process of its own beside the service that uses it.
 *
 *   prepareCluster ─▶ stage2/db1: [postgres] the keeper and its server · [service] the database service
 */
import path from 'node:path'
import { formatNodes } from '@relais/stage2-postgres/cluster/node-list.ts'
import { prepareCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { failed } from '../failure.ts'
import { nodesOf, primaryOf, type Node, type Topology } from '../topology.ts'
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
  { fresh = false, observer }: StartOptions,
): Promise<PostgresServers> {
  const nodes = nodesOf(topology, 'db').map(({ name, role, postgresPort }) => ({ name, role: role!, port: postgresPort! }))
  const dir = path.join(directory.root, 'postgres')
  const onProgress = (message: string): void => observer?.progress?.(message)
  const cluster = await prepareCluster({ dir, nodes, fresh, onProgress }).catch((error: unknown) => {
    throw failed(`Failed to make the PostgreSQL cluster of ${topology.stage}: ${error instanceof Error ? error.message : String(error)}`)
  })
  const environment = {
    RELAIS_PRIMARY: primaryOf(topology).name,
    RELAIS_DURABILITY: settings.durability,
    RELAIS_CLUSTER_DIR: dir,
    RELAIS_CLUSTER_NODES: formatNodes(nodes),
  }
  return {
    serviceEnvironment: (node) => ({
      RELAIS_POSTGRES_HOST: cluster.socketDir,
      RELAIS_POSTGRES_PORT: String(node.postgresPort),
      RELAIS_POSTGRES_SECRETS_DIR: cluster.secretsDir,
    }),
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
