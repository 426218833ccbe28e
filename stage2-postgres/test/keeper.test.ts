/** The keeper of the primary's server: it leaves no server behind, whatever ends it, and gives a slow server its time. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ClusterNode } from '../cluster/cluster.ts'
import { keepServer } from '../cluster/keep-server.ts'
import { openPrimary } from '../cluster/prepare-cluster.ts'
import { postmasterPid, sharedMemory } from '../cluster/server-processes.ts'
import { endServer, signalServer } from '../cluster/server.ts'
import { eventually, PostgresCluster } from './postgres-cluster.ts'

let cluster: PostgresCluster
let node: ClusterNode

beforeAll(async () => {
  cluster = await PostgresCluster.start({ nodes: ['db1'] })
  node = cluster.node('db1')
})
afterAll(() => cluster.close())

const keep = (signal: AbortSignal): Promise<void> =>
  keepServer({ node, durability: 'async', onProgress: () => {}, onLine: () => {}, signal })

describe('a primary', () => {
  it('whose checkpoint takes long is opened all the same', async () => {
    const [checkpointer] = await cluster.sql(
      'db1',
      'admin',
      (sql) => sql<{ pid: number }[]>`SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
    )
    process.kill(checkpointer!.pid, 'SIGSTOP')
    const opened = openPrimary(cluster.cluster, 'quorum')
    opened.catch(() => {})
    try {
      await eventually(async () => {
        const rows = await cluster.sql(
          'db1',
          'admin',
          (sql) => sql`SELECT 1 FROM pg_stat_activity WHERE query = 'CHECKPOINT' AND now() - query_start > interval '6 s'`,
        )
        expect(rows).toHaveLength(1)
      })
    } finally {
      process.kill(checkpointer!.pid, 'SIGCONT')
    }
    await opened
  })
})

describe('a keeper', () => {
  beforeEach(() => cluster.stopServer('db1'))
  afterEach(async () => {
    // What a keeper left, where the test found that it does.
    signalServer(node, 'SIGKILL')
    await endServer(node)
    await cluster.startServer('db1')
  })

  it('that cannot open its primary ends the server as well', async () => {
    await cluster.startServer('db1')
    await cluster.sql('db1', 'owner', (sql) => sql`INSERT INTO relais.migrations (version, name) VALUES (99, 'of a newer release')`)
    await cluster.stopServer('db1')
    try {
      await expect(keep(new AbortController().signal)).rejects.toThrow(/the database has version 99/)
      expect(postmasterPid(node)).toBeUndefined()
    } finally {
      if (postmasterPid(node) === undefined) await cluster.startServer('db1')
      await cluster.sql('db1', 'owner', (sql) => sql`DELETE FROM relais.migrations WHERE version = 99`)
      await cluster.stopServer('db1')
    }
  })

  it('that is asked to end while it prepares its server ends, and starts none', async () => {
    await cluster.startServer('db1')
    await cluster.killServer('db1')
    // So there is a program to run first, and the word comes meanwhile.
    expect(sharedMemory(node)).toBeDefined()
    const end = new AbortController()
    const kept = keep(end.signal)
    setImmediate(() => end.abort())
    await kept
    expect(postmasterPid(node)).toBeUndefined()
  }, 20_000)

  it('whose server ends by itself says how, and clears up after it', async () => {
    const kept = keep(new AbortController().signal)
    kept.catch(() => {})
    await eventually(async () => expect(postmasterPid(node)).toBeDefined())
    process.kill(postmasterPid(node)!, 'SIGKILL')
    await expect(kept).rejects.toThrow('PostgreSQL db1 ended with SIGKILL')
    expect(sharedMemory(node)).toBeUndefined()
  })
})
