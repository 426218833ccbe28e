/**
 * What a cluster is made of: nodes, directories, programs. Everything else in this folder works on these two types.
 *
 *   ROOT/secrets/LOGIN            passwords, 0600
 *   ROOT/run/                     the servers' sockets (elsewhere when ROOT's path is too long for a socket)
 *   ROOT/db1/data/                a data directory as PostgreSQL knows it
 *   ROOT/db1/complete.json        written last: a data directory without it was not finished, and is made again
 *   ROOT/db2/data.before-DATE/    what was in the way of a new copy and may be the only copy of something
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Role } from '@relais/shared/store/store.ts'
import type { Programs } from './programs.ts'
import type { ServerUser } from './server-user.ts'

export interface NodePlan {
  /** "db1": also the name of a standby's slot. */
  readonly name: string
  /** The server's port. */
  readonly port: number
  readonly role: Role
}

export interface Cluster {
  /** Where everything is. */
  readonly root: string
  readonly socketDir: string
  readonly secretsDir: string
  /** Without a directory where no program is to be run: in containers they are the server's own. */
  readonly programs: Programs
  readonly user: ServerUser | undefined
  readonly host: string
  readonly nodes: readonly ClusterNode[]
  /** Settings for tests, written last into every addresses.conf, for example `max_slot_wal_keep_size`. */
  readonly settings: Readonly<Record<string, string>>
}

export interface ClusterNode extends NodePlan {
  readonly cluster: Cluster
  readonly directory: string
  readonly dataDir: string
}

export type OnProgress = (message: string) => void

export const DATABASE = 'relais'

export function primaryOf(cluster: Cluster): ClusterNode {
  const primary = cluster.nodes.find((node) => node.role === 'primary')
  if (!primary) throw new Error('a cluster needs a primary')
  return primary
}

export function standbysOf(cluster: Cluster): ClusterNode[] {
  return cluster.nodes.filter((node) => node.role === 'replica')
}

/** The cluster's nodes, and those that this start leaves out: `--single` has the primary alone. What else is in ROOT is not ours. */
export function nodesThere(cluster: Cluster): ClusterNode[] {
  const { root, nodes } = cluster
  const names = existsSync(root) ? readdirSync(root).filter((name) => /^db\d+$/.test(name)) : []
  const others = names.filter((name) => !nodes.some((node) => node.name === name))
  return [...nodes, ...others.map((name) => ({ ...placeOf(cluster, name), role: 'replica' as const, port: 0 }))]
}

export function placeOf(cluster: Cluster, name: string): Pick<ClusterNode, 'name' | 'cluster' | 'directory' | 'dataDir'> {
  return { name, cluster, directory: join(cluster.root, name), dataDir: join(cluster.root, name, 'data') }
}

/** Throws where the cluster has no programs of its own: a bare name would be whatever PATH holds. */
export function program(cluster: Cluster, name: string): string {
  if (cluster.programs.bindir === '') throw new Error(`Failed to find ${name}: this cluster's PostgreSQL programs are not known here.`)
  return join(cluster.programs.bindir, name)
}
