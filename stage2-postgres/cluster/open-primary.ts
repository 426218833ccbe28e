/**
 * Opens a primary that somebody else made and keeps: the schema of this release, and who confirms writes.
 *
 * In containers the official image makes the server, so no keeper of ours does this at its side; it runs once a start,
 * between the primary and the services. A change of durability while all runs goes by psql (lab/runtime/compose.ts).
 */
import { z } from 'zod'
import { readSettings } from '@relais/shared/http/settings.ts'
import { DURABILITIES } from '@relais/shared/store/store.ts'
import type { Cluster, NodePlan } from './cluster.ts'
import { openPrimary } from './prepare-cluster.ts'
import { ready } from './server.ts'

const settings = readSettings({
  RELAIS_PRIMARY: z.string().default('db1'),
  /** "db2,db3"; empty for none. */
  RELAIS_STANDBYS: z.string().transform((text) => text.split(',').filter(Boolean)),
  RELAIS_DURABILITY: z.enum(DURABILITIES).default('async'),
  RELAIS_POSTGRES_HOST: z.string().min(1),
  RELAIS_POSTGRES_PORT: z.coerce.number().int().min(1).max(65535).default(5432),
  RELAIS_POSTGRES_SECRETS_DIR: z.string().min(1),
})
const { RELAIS_PRIMARY: primaryName, RELAIS_STANDBYS: standbyNames, RELAIS_POSTGRES_PORT: port } = settings
const planOf = (name: string): NodePlan => ({ name, port, role: name === primaryName ? 'primary' : 'replica' })
const cluster: { -readonly [K in keyof Cluster]: Cluster[K] } = {
  host: settings.RELAIS_POSTGRES_HOST,
  secretsDir: settings.RELAIS_POSTGRES_SECRETS_DIR,
  nodes: [],
  // Directories and programs are the server's own, in its container.
  root: '',
  socketDir: '',
  programs: { bindir: '', major: 0 },
  user: undefined,
  settings: {},
}
cluster.nodes = [primaryName, ...standbyNames].map((name) => ({ ...planOf(name), cluster, directory: '', dataDir: '' }))

try {
  // A first start makes the primary's data directory: seconds, within a tenth of a core minutes.
  await ready(cluster.nodes[0]!, { timeoutMs: 300_000 })
  await openPrimary(cluster, settings.RELAIS_DURABILITY, (message) => void process.stdout.write(`${message}\n`))
} catch (error) {
  process.stderr.write(`Failed to open ${primaryName}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
