/**
 * Makes the primary: initdb, roles, schema. While it is being made it listens on its socket only, so nobody meets a
 * half-made database, and a port that is taken is no obstacle.
 */
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { primaryOf, program, type Cluster, type ClusterNode, type OnProgress } from './cluster.ts'
import { isHalfMade, markComplete, markMaking, mayHoldData, removeData } from './completeness.ts'
import { configure } from './configuration.ts'
import { keepData } from './kept-data.ts'
import { loginAs } from './login.ts'
import { migrate } from './migrate.ts'
import { runProgram } from './run-program.ts'
import { readSecret, roleOf } from './secrets.ts'
import { cleanServer, startServer } from './server.ts'

export async function createPrimary(primary: ClusterNode, onProgress: OnProgress): Promise<void> {
  onProgress(`${primary.name}: making the primary's data directory (initdb)`)
  if (mayHoldData(primary) && !isHalfMade(primary)) await keepData(primary, onProgress)
  else await removeData(primary)
  await initdb(primary)
  configure(primary)
  await withPrimaryOnSocket(primary.cluster, () => createRoles(primary))
  markComplete(primary)
}

/** Runs `work` while the primary serves its socket and no port; the server is stopped again whatever happens. */
export async function withPrimaryOnSocket<T>(cluster: Cluster, work: () => Promise<T>): Promise<T> {
  const primary = primaryOf(cluster)
  let said = ''
  const server = startServer(primary, { settings: { listen_addresses: '' }, onLine: (text) => (said = (said + text).slice(-2_000)) })
  try {
    await untilServing(
      primary,
      () => server.process.exitCode !== null,
      () => said,
    )
    return await work()
  } finally {
    await server.stop()
    await cleanServer(primary)
  }
}

async function untilServing(primary: ClusterNode, isGone: () => boolean, said: () => string): Promise<void> {
  const endMs = Date.now() + 60_000
  for (;;) {
    try {
      return await loginAs(primary, 'admin', async (sql) => void (await sql`SELECT 1`), {
        database: 'postgres',
        bySocket: true,
        timeoutMs: 2_000,
      })
    } catch (error) {
      if (isGone() || Date.now() > endMs)
        throw new Error(`Failed to start PostgreSQL ${primary.name}; it said:\n${said()}`, { cause: error })
      await sleep(25)
    }
  }
}

async function initdb(primary: ClusterNode): Promise<void> {
  const { cluster, directory, dataDir } = primary
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  markMaking(primary)
  const passwordFile = join(directory, 'password')
  writeFileSync(passwordFile, readSecret(cluster.secretsDir, 'admin'), { mode: 0o600 })
  if (cluster.user) for (const path of [directory, passwordFile]) chownSync(path, cluster.user.uid, cluster.user.gid)
  try {
    await runProgram(
      program(cluster, 'initdb'),
      [...INITDB, '--pgdata', dataDir, '--username', roleOf('admin'), '--pwfile', passwordFile],
      {
        user: cluster.user,
      },
    )
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

const INITDB = [
  // A page that the disk changed is an error and not an answer.
  '--data-checksums',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  // Text is ordered by bytes: the same on every machine, so an index made on one server is valid on the others.
  '--locale=C',
]

async function createRoles(primary: ClusterNode): Promise<void> {
  const { cluster, port } = primary
  const env = {
    SECRETS_DIR: cluster.secretsDir,
    PGPASSWORD: readSecret(cluster.secretsDir, 'admin'),
  }
  const target = ['--host', cluster.socketDir, '--port', String(port), '--username', roleOf('admin'), '--dbname', 'postgres']
  const script = fileURLToPath(new URL('roles.sql', import.meta.url))
  // As ourselves and not as the server's user, who may read neither the passwords nor this repository.
  await runProgram(program(cluster, 'psql'), ['--no-psqlrc', '--quiet', ...target, '--file', script], { env })
  await migrate(primary, { bySocket: true })
}
