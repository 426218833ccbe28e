/** The entry of one PostgreSQL server's keeper: settings, signals, keeper. */
import { z } from 'zod'
import { readSettings } from '@relais/shared/http/settings.ts'
import { DURABILITIES } from '@relais/shared/store/store.ts'
import { parseNodes } from './node-list.ts'
import { describeCluster } from './prepare-cluster.ts'
import { keepServer } from './keep-server.ts'

const settings = readSettings({
  RELAIS_NAME: z.string().min(1),
  RELAIS_PRIMARY: z.string().default('db1'),
  RELAIS_DURABILITY: z.enum(DURABILITIES).default('async'),
  /** The cluster's directory, and its nodes as "db1=19017,db2=19018". */
  RELAIS_CLUSTER_DIR: z.string().min(1),
  RELAIS_CLUSTER_NODES: z.string().min(1),
})
const end = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end.abort())

try {
  const nodes = parseNodes(settings.RELAIS_CLUSTER_NODES, settings.RELAIS_PRIMARY)
  const cluster = await describeCluster({ dir: settings.RELAIS_CLUSTER_DIR, nodes })
  const node = cluster.nodes.find(({ name }) => name === settings.RELAIS_NAME)
  if (!node) throw new Error(`there is no ${settings.RELAIS_NAME} in ${settings.RELAIS_CLUSTER_NODES}`)
  const onProgress = (message: string): void => void process.stdout.write(`${message}\n`)
  const onLine = (text: string): void => void process.stdout.write(text)
  await keepServer({ node, durability: settings.RELAIS_DURABILITY, onProgress, onLine, signal: end.signal })
  process.exit(0)
} catch (error) {
  process.stderr.write(`Failed to keep ${settings.RELAIS_NAME}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
