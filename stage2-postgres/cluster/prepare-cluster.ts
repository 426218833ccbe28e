/**
 * From nothing, or from whatever is there, to a cluster whose servers can be started.
 *
 *   programs ─▶ secrets ─▶ primary (initdb, roles, schema) ─▶ standbys (slot, base backup) ─▶ configuration
 *
 * What exists and is complete is used as it is; what a crash left half made is made again; a primary that is missing while
 * standbys have data is not. After this the caller starts the primary, waits for `ready`, calls `openPrimary`, then
 * `prepareServer` and a start for each standby.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Durability } from '@relais/shared/store/store.ts'
import { DURABILITY_MS_MAX, setDurability } from '../replication/durability.ts'
import { nodesThere, placeOf, primaryOf, standbysOf, type Cluster, type NodePlan, type OnProgress } from './cluster.ts'
import { isComplete, majorOfData, removeData } from './completeness.ts'
import { configure } from './configuration.ts'
import { makeSocketDirectory, serverRoot, socketDirectory } from './directories.ts'
import { loginAs } from './login.ts'
import { migrate } from './migrate.ts'
import { refuseMissingPrimary } from './missing-primary.ts'
import { createPrimary, withPrimaryOnSocket } from './primary.ts'
import { locatePrograms, type Programs } from './programs.ts'
import { makeSecrets } from './secrets.ts'
import { serverUser } from './server-user.ts'
import { postmasterPid } from './server-processes.ts'
import { createStandby } from './standby.ts'

export interface ClusterOptions {
  /** Where the cluster lives, for example `.relais/stage2/postgres`. Made when missing. */
  readonly dir: string
  /** Exactly one primary; names and ports of the servers. */
  readonly nodes: readonly NodePlan[]
  /** Start anew: all data of this cluster is removed. */
  readonly fresh?: boolean
  readonly host?: string
  /** Default: whatever `locatePrograms` finds, of the version that made the data. */
  readonly programs?: Programs
  /** PostgreSQL settings that override the files. */
  readonly settings?: Record<string, string>
  readonly onProgress?: OnProgress
  /** Ends the copies that are being made. */
  readonly signal?: AbortSignal
}

/**
 * Rejects with `MissingPostgres` when there is no PostgreSQL; and when the primary's data is missing but not the standbys', or a server
 * of this cluster runs that has to be made.
 */
export async function prepareCluster(options: ClusterOptions): Promise<Cluster> {
  const onProgress = options.onProgress ?? (() => {})
  // What is thrown away may be of a PostgreSQL that is here no more.
  const programs = options.programs ?? (options.fresh ? await locatePrograms({}) : undefined)
  const cluster = await describeCluster({ ...options, ...(programs && { programs }) })
  if (options.fresh) await removeAll(cluster)
  refuseMissingPrimary(cluster)
  makeDirectories(cluster)
  makeSecrets(cluster.secretsDir)
  if (cluster.nodes.every(isComplete)) return cluster

  refuseRunning(cluster)
  const primary = primaryOf(cluster)
  if (isComplete(primary)) configure(primary)
  else await createPrimary(primary, onProgress)
  const missing = standbysOf(cluster).filter((standby) => !isComplete(standby))
  const source = { bySocket: true, signal: options.signal }
  await withPrimaryOnSocket(cluster, () => Promise.all(missing.map((standby) => createStandby(standby, onProgress, source))))
  return cluster
}

/** The same cluster without touching anything: for commands that only look, or signal. */
export async function describeCluster({ dir, nodes, host = '127.0.0.1', programs, settings = {} }: ClusterOptions): Promise<Cluster> {
  const user = serverUser()
  const root = serverRoot(resolve(dir), user)
  const cluster: { -readonly [K in keyof Cluster]: Cluster[K] } = {
    root,
    socketDir: socketDirectory(root),
    secretsDir: join(root, 'secrets'),
    programs: programs ?? { bindir: '', major: 0 },
    user,
    host,
    nodes: [],
    settings,
  }
  cluster.nodes = nodes.map((plan) => ({ ...plan, ...placeOf(cluster, plan.name) }))
  if (!programs) cluster.programs = await locateFor(cluster)
  return cluster
}

/** Once, when the primary has become ready: the schema of this release, and who confirms writes. */
export async function openPrimary(cluster: Cluster, durability: Durability, onProgress: OnProgress = () => {}): Promise<void> {
  const primary = primaryOf(cluster)
  const versions = await migrate(primary)
  if (versions.length > 0) onProgress(`${primary.name}: migrated the schema to version ${versions.at(-1)}`)
  const standbyNames = standbysOf(cluster).map(({ name }) => name)
  await loginAs(primary, 'admin', (sql) => setDurability(sql, durability, standbyNames), { timeoutMs: DURABILITY_MS_MAX })
}

/** `PG_BINDIR` is of one shell; the keepers and every other shell find by the note what it chose. */
function locateFor(cluster: Cluster): Promise<Programs> {
  const major = majorOfData(primaryOf(cluster))
  return locatePrograms(major === undefined ? {} : { major, known: notedBindir(cluster) })
}

const OWN_NOTE = 'relais-cluster.json'

/** Empty without one; a note that cannot be read costs no more than that. */
function notedBindir({ root }: Cluster): string {
  try {
    return (JSON.parse(readFileSync(join(root, OWN_NOTE), 'utf8')) as { bindir?: string }).bindir ?? ''
  } catch {
    return ''
  }
}

function makeDirectories({ root, nodes, programs: { bindir }, socketDir, user }: Cluster): void {
  mkdirSync(root, { recursive: true, mode: 0o755 })
  makeSocketDirectory(socketDir, user)
  writeFileSync(join(root, OWN_NOTE), `${JSON.stringify({ bindir, nodes: nodes.map(({ name, port, role }) => ({ name, port, role })) })}\n`)
}

/** Only below a directory that we made: a wrong `dir` must not cost anybody their files. */
async function removeAll(cluster: Cluster): Promise<void> {
  const { root } = cluster
  if (!existsSync(root)) return
  if (!existsSync(join(root, OWN_NOTE)) && readdirSync(root).length > 0) {
    throw new Error(`Failed to start anew: ${root} holds files, but no cluster of ours; choose another directory.`)
  }
  const nodes = nodesThere(cluster)
  refuseRunning({ nodes })
  for (const node of nodes) {
    await removeData(node)
    rmSync(node.directory, { recursive: true, force: true })
  }
  rmSync(join(root, 'secrets'), { recursive: true, force: true })
}

function refuseRunning({ nodes }: Pick<Cluster, 'nodes'>): void {
  for (const node of nodes) {
    const pid = existsSync(node.dataDir) ? postmasterPid(node) : undefined
    if (pid !== undefined) throw new Error(`PostgreSQL ${node.name} still runs (pid ${pid}); stop it first.`)
  }
}
