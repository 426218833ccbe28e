/**
 * A standby of stage 2 that applies what it received only after a while: PostgreSQL's `recovery_min_apply_delay`.
 *
 * It stands in the generated file of addresses, which each start writes anew: a standby that is late for a lesson must not be late for ever.
 * `ALTER SYSTEM` would be.
 * Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-RECOVERY-MIN-APPLY-DELAY
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode } from '@relais/stage2-postgres/cluster/cluster.ts'
import { configure } from '@relais/stage2-postgres/cluster/configuration.ts'
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { failed } from '../failure.ts'
import type { Topology } from '../topology.ts'
import { serverPlans } from './postgres-servers.ts'
import type { StageDirectory } from './stage-directory.ts'

const IN_FORCE_MS_MAX = 5_000
const POLL_MS = 25

export async function readApplyDelayMs(directory: StageDirectory, topology: Topology, name: string): Promise<number> {
  return ask(await clusterNode(directory, topology, name))
}

/** Resolves when the server says that the delay is in force. */
export async function setApplyDelayMs(directory: StageDirectory, topology: Topology, name: string, delayMs: number): Promise<void> {
  const node = await clusterNode(directory, topology, name)
  const settings = { ...node.cluster.settings, recovery_min_apply_delay: `${delayMs}ms` }
  configure({ ...node, cluster: { ...node.cluster, settings } })
  const giveUpAtMs = performance.now() + IN_FORCE_MS_MAX
  await explained(node, () => loginAs(node, 'admin', (sql) => sql`SELECT pg_reload_conf()`))
  while ((await ask(node)) !== delayMs) {
    if (performance.now() > giveUpAtMs)
      throw failed(
        `Failed to make ${directory.stage}/${name} late: PostgreSQL did not take the setting within ${IN_FORCE_MS_MAX / 1000} s.`,
      )
    await sleep(POLL_MS)
  }
}

async function clusterNode(directory: StageDirectory, topology: Topology, name: string): Promise<ClusterNode> {
  const { nodes } = await describeCluster({ dir: directory.postgres, nodes: serverPlans(topology) })
  return nodes.find((node) => node.name === name)!
}

function ask(node: ClusterNode): Promise<number> {
  return explained(node, () =>
    loginAs(node, 'admin', async (sql) => {
      const [row] = await sql<{ setting: string }[]>`SELECT setting FROM pg_settings WHERE name = 'recovery_min_apply_delay'`
      return Number(row?.setting)
    }),
  )
}

async function explained<T>(node: ClusterNode, visit: () => Promise<T>): Promise<T> {
  try {
    return await visit()
  } catch (error) {
    throw failed(`Failed to ask PostgreSQL of ${node.name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
