/** Making a cluster: once, again, after a crash in the middle, on other ports, and without leaving anything behind. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { MissingPostgres, locatePrograms } from '../cluster/programs.ts'
import { describeCluster, openPrimary, prepareCluster, type ClusterOptions } from '../cluster/prepare-cluster.ts'
import { prepareServer } from '../cluster/prepare-server.ts'
import { serverPids, sharedMemory } from '../cluster/server-processes.ts'
import { cleanServer, ready, signalServer, startServer, type StartedServer } from '../cluster/server.ts'
import { removeForsaken, segmentsIn } from '../cluster/shared-memory.ts'
import { loginAs } from '../cluster/login.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { eventually, freePort } from './postgres-cluster.ts'

const isRoot = process.getuid?.() === 0
let dir: string
let options: ClusterOptions

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'relais-postgres-'))
  chmodSync(dir, 0o755)
  options = {
    dir: join(dir, 'a directory with spaces'),
    nodes: [
      { name: 'db1', port: await freePort(), role: 'primary' },
      { name: 'db2', port: await freePort(), role: 'replica' },
    ],
  }
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Starts all servers of the cluster, runs `work`, stops them. */
async function whileRunning(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const servers: StartedServer[] = []
  try {
    for (const node of cluster.nodes) {
      await prepareServer(node)
      servers.push(startServer(node))
      await ready(node)
      if (node.role === 'primary') await openPrimary(cluster, 'async')
    }
    await work()
  } finally {
    for (const server of servers.toReversed()) await server.stop()
  }
}

/** Every System V segment there is. */
function sharedMemoryIds(): (string | undefined)[] {
  return execFileSync('ipcs', ['-m'], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[1])
}

const streaming = (cluster: Cluster): Promise<void> =>
  eventually(async () => {
    const rows = await loginAs(cluster.nodes[0]!, 'monitor', (sql) => sql`SELECT application_name AS name, state FROM pg_stat_replication`)
    expect(rows).toEqual([{ name: 'db2', state: 'streaming' }])
  })

describe('a cluster', () => {
  it('is made with checksums, SCRAM, roles apart and secrets that only their owner reads', async () => {
    const cluster = await prepareCluster(options)
    await whileRunning(cluster, async () => {
      await streaming(cluster)
      const [primary] = cluster.nodes
      const facts = await loginAs(
        primary!,
        'admin',
        (sql) => sql`
        SELECT current_setting('data_checksums') AS checksums,
          (SELECT count(*)::int FROM pg_authid WHERE rolname LIKE 'relais_%' AND rolpassword LIKE 'SCRAM-SHA-256$%') AS scram,
          (SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolname LIKE 'relais_%' AND rolsuper) AS superusers`,
      )
      expect(facts[0]).toEqual({ checksums: 'on', scram: 6, superusers: 'relais_admin' })
      await expect(loginAs(primary!, 'app', (sql) => sql`CREATE TABLE relais.sneaky ()`)).rejects.toThrow(/permission denied/)
      await expect(loginAs(primary!, 'app', (sql) => sql`CREATE TABLE public.sneaky ()`)).rejects.toThrow(/permission denied/)
      await expect(loginAs(primary!, 'readonly', (sql) => sql`DELETE FROM records`)).rejects.toThrow(/read-only|permission denied/)
      await expect(loginAs(primary!, 'monitor', (sql) => sql`SELECT * FROM relais.records`)).rejects.toThrow(/permission denied/)
    })
    for (const file of readdirSync(cluster.secretsDir)) expect(statSync(join(cluster.secretsDir, file)).mode & 0o777).toBe(0o600)
  })

  it('tells nobody the replicator’s password: a standby reads it from a file, and its settings are not the monitor’s to see', async () => {
    const cluster = await prepareCluster(options)
    const [primary, standby] = cluster.nodes
    const settings = join(standby!.dataDir, 'postgresql.auto.conf')
    const password = readFileSync(join(cluster.secretsDir, 'replicator'), 'utf8')
    expect(readFileSync(settings, 'utf8')).not.toContain(password)
    // As an earlier release made it.
    const old = `primary_conninfo = 'user=relais_replicator password=${password} host=127.0.0.1 port=1 sslmode=prefer'`
    writeFileSync(settings, readFileSync(settings, 'utf8').replace(/^primary_conninfo = .*$/m, old))
    await whileRunning(cluster, async () => {
      await streaming(cluster)
      const asked = loginAs(standby!, 'monitor', (sql) => sql`SHOW primary_conninfo`)
      await expect(asked).rejects.toThrow(/to examine "primary_conninfo"/)
      const shown = await loginAs(standby!, 'admin', (sql) => sql<{ primary_conninfo: string }[]>`SHOW primary_conninfo`)
      expect(shown[0]!.primary_conninfo).toMatch(/passfile='.*a directory with spaces/)
      expect(shown[0]!.primary_conninfo).not.toContain('password=')
      // What postgres_exporter asks for, and the lab's own looks at the primary.
      const wal = await loginAs(primary!, 'monitor', (sql) => sql`SELECT count(*) > 0 AS has_size FROM pg_ls_waldir() WHERE size > 0`)
      expect(wal).toEqual([{ has_size: true }])
    })
    expect(readFileSync(settings, 'utf8')).not.toContain(password)
    expect(statSync(join(standby!.directory, 'replicator.pgpass')).mode & 0o777).toBe(0o600)
  })

  it('is found and used again, on other ports as well, with its data', async () => {
    const progress: string[] = []
    const before = await prepareCluster(options)
    await whileRunning(before, async () => {
      await loginAs(before.nodes[0]!, 'app', (sql) => sql`INSERT INTO records (message, origin) VALUES ('kept', 'DB1')`)
    })
    const nodes = []
    for (const node of options.nodes) nodes.push({ ...node, port: await freePort() })
    options = { ...options, nodes }
    const after = await prepareCluster({ ...options, onProgress: (message) => progress.push(message) })
    await whileRunning(after, async () => {
      await streaming(after)
      // Streaming is not yet replayed.
      await eventually(async () =>
        expect(await loginAs(after.nodes[1]!, 'readonly', (sql) => sql`SELECT message FROM records`)).toEqual([{ message: 'kept' }]),
      )
    })
    expect(progress).toEqual([])
  })

  it('that was half made is made to its end', async () => {
    const cluster = await prepareCluster(options)
    const standby = cluster.nodes[1]!
    rmSync(join(standby.directory, 'complete.json'))
    const progress: string[] = []
    await prepareCluster({ ...options, onProgress: (message) => progress.push(message) })
    expect(progress).toEqual(['db2: copying db1 (pg_basebackup)'])
    // The primary is made first. Its note may also have been lost alone, so what it had is not thrown away.
    rmSync(standby.directory, { recursive: true })
    rmSync(join(cluster.nodes[0]!.directory, 'complete.json'))
    const remade = await prepareCluster({ ...options, onProgress: (message) => progress.push(message) })
    expect(progress[2]).toMatch(/^db1: what it had is kept in .*data\.before-/)
    await whileRunning(remade, () => streaming(remade))
    // One that was cut off while it was being made has nothing to keep.
    rmSync(standby.directory, { recursive: true })
    rmSync(join(remade.nodes[0]!.directory, 'complete.json'))
    writeFileSync(join(remade.nodes[0]!.directory, 'making'), '')
    progress.length = 0
    await prepareCluster({ ...options, onProgress: (message) => progress.push(message) })
    expect(progress.join('\n')).not.toContain('what it had is kept')
    expect(existsSync(join(remade.nodes[0]!.directory, 'making'))).toBe(false)
  })

  it('that was killed leaves nothing behind once it is cleaned up after, and starts again', async () => {
    const cluster = await prepareCluster(options)
    const primary = cluster.nodes[0]!
    await prepareServer(primary)
    const server = startServer(primary)
    await ready(primary)
    const segment = sharedMemory(primary)
    expect(segment).toBeDefined()
    signalServer(primary, 'SIGKILL')
    await server.stop()
    await eventually(async () => expect(serverPids(primary)).toEqual([]))
    await cleanServer(primary)
    expect(sharedMemoryIds()).not.toContain(String(segment!.id))
    expect(existsSync(join(primary.dataDir, 'postmaster.pid'))).toBe(false)
    await whileRunning(cluster, () => streaming(cluster))
  })

  it.runIf(process.platform === 'linux')(
    'that runs keeps its shared memory, whoever takes its pid file for one that was left behind',
    async () => {
      const cluster = await prepareCluster(options)
      await whileRunning(cluster, async () => {
        const segment = sharedMemory(cluster.nodes[0]!)!
        await removeForsaken(segment)
        // Marked for its end, it would have lost its key.
        expect(segmentsIn(readFileSync('/proc/sysvipc/shm', 'utf8'))).toContainEqual(expect.objectContaining(segment))
      })
    },
  )

  it('whose postmaster alone was killed starts again all the same', async () => {
    const cluster = await prepareCluster(options)
    const primary = cluster.nodes[0]!
    await prepareServer(primary)
    const server = startServer(primary)
    await ready(primary)
    server.process.kill('SIGKILL')
    await server.stop()
    expect(existsSync(join(primary.dataDir, 'postmaster.pid'))).toBe(true)
    await whileRunning(cluster, () => streaming(cluster))
  })

  it('that a PostgreSQL made which is here no more is not used, and can be thrown away', async () => {
    const cluster = await prepareCluster(options)
    for (const { dataDir } of cluster.nodes) writeFileSync(join(dataDir, 'PG_VERSION'), '13\n')
    await expect(prepareCluster(options)).rejects.toThrow(MissingPostgres)
    const anew = await prepareCluster({ ...options, fresh: true })
    expect(readFileSync(join(anew.nodes[0]!.dataDir, 'PG_VERSION'), 'utf8')).not.toBe('13\n')
  })

  it('starts anew when that is asked for, and refuses to empty what is not its own', async () => {
    const cluster = await prepareCluster({ ...options, fresh: true })
    await whileRunning(cluster, async () => {
      expect(await loginAs(cluster.nodes[0]!, 'readonly', (sql) => sql`SELECT message FROM records`)).toEqual([])
    })
    await expect(prepareCluster({ ...options, dir: process.cwd(), fresh: true })).rejects.toThrow(/holds files, but no cluster of ours/)
    expect(readFileSync('package.json', 'utf8')).toContain('relais')
  })

  it.runIf(isRoot)('finds a place for its data when the servers’ user cannot enter the directory', async () => {
    const closed = join(dir, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const cluster = await prepareCluster({ ...options, dir: join(closed, 'cluster') })
    try {
      expect(cluster.root.startsWith(closed)).toBe(false)
      await whileRunning(cluster, () => streaming(cluster))
    } finally {
      rmSync(cluster.root, { recursive: true, force: true })
    }
  })
})

describe('PostgreSQL’s programs', () => {
  it('are found again where the cluster was made with them, by who does not have PG_BINDIR', async () => {
    const { bindir, major } = (await describeCluster(options)).programs
    const elsewhere = join(dir, 'elsewhere')
    symlinkSync(bindir, elsewhere)
    vi.stubEnv('PG_BINDIR', '')
    await prepareCluster({ ...options, programs: { bindir: elsewhere, major } })
    expect((await describeCluster(options)).programs).toEqual({ bindir: elsewhere, major })
    rmSync(elsewhere)
    vi.unstubAllEnvs()
    expect((await describeCluster(options)).programs).toEqual({ bindir, major })
  })

  it('are found, or their absence is explained with what to do', async () => {
    expect((await locatePrograms()).major).toBeGreaterThanOrEqual(14)
    const { bindir } = await locatePrograms()
    expect((await locatePrograms({ env: { PG_BINDIR: relative(process.cwd(), bindir) } })).bindir).toBe(bindir)
    const missing = locatePrograms({ env: { PG_BINDIR: dir } })
    await expect(missing).rejects.toBeInstanceOf(MissingPostgres)
    await expect(missing).rejects.toThrow(/PG_BINDIR=.* does not hold/)
  })
})
