/** One PostgreSQL primary with its database service, on free ports, for measuring: no standbys, no load balancer. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import getPort from 'get-port'
import postgres, { type Sql } from 'postgres'
import { DATABASE, primaryOf, program, type Cluster } from '@relais/stage2-postgres/cluster/cluster.ts'
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { openPrimary, prepareCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { prepareServer } from '@relais/stage2-postgres/cluster/prepare-server.ts'
import { readSecret, roleOf } from '@relais/stage2-postgres/cluster/secrets.ts'
import { cleanServer, ready, startServer, type StartedServer } from '@relais/stage2-postgres/cluster/server.ts'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { answers200, end, untilReady } from './own-process.ts'
import { makeAggregateTable } from './suite/aggregate-table.ts'

export class PostgresPrimary {
  readonly #dir: string
  readonly #cluster: Cluster
  readonly #server: StartedServer
  readonly #service: ChildProcess
  readonly url: string

  private constructor(dir: string, cluster: Cluster, server: StartedServer, service: ChildProcess, url: string) {
    this.#dir = dir
    this.#cluster = cluster
    this.#server = server
    this.#service = service
    this.url = url
  }

  static async start(): Promise<PostgresPrimary> {
    const dir = mkdtempSync(path.join(tmpdir(), 'relais-bench-'))
    // As root the server runs as another user, who must be able to get here.
    chmodSync(dir, 0o755)
    const cluster = await prepareCluster({ dir, nodes: [{ name: 'db1', port: await getPort(), role: 'primary' }] })
    const node = primaryOf(cluster)
    await prepareServer(node)
    const server = startServer(node)
    await ready(node)
    await openPrimary(cluster, 'async')
    const port = await getPort()
    const env = {
      ...process.env,
      RELAIS_STAGE: 'stage2',
      RELAIS_NAME: 'db1',
      RELAIS_PORT: String(port),
      RELAIS_ROLE: 'primary',
      RELAIS_DATA_DIR: dir,
      RELAIS_LOG_LEVEL: 'warn',
      RELAIS_POSTGRES_HOST: cluster.socketDir,
      RELAIS_POSTGRES_PORT: String(node.port),
      RELAIS_POSTGRES_SECRETS_DIR: cluster.secretsDir,
    }
    const service = spawn(process.execPath, ['stage2-postgres/main.ts'], { cwd: REPOSITORY, env, stdio: ['ignore', 'ignore', 'inherit'] })
    const url = `http://127.0.0.1:${port}`
    const primary = new PostgresPrimary(dir, cluster, server, service, url)
    try {
      await untilReady(new Map([['the database service', service]]), () => answers200(`${url}/readyz`))
    } catch (error) {
      await primary[Symbol.asyncDispose]()
      throw error
    }
    return primary
  }

  /** `pgbench` with one INSERT of one row a transaction, prepared, by the application's own role; transactions a second. */
  async pgbenchInserts(clients: number, durationS: number): Promise<number> {
    const script = path.join(this.#dir, 'insert.sql')
    writeFileSync(
      script,
      "INSERT INTO records (message, origin) VALUES ('a message of an ordinary length, as a person might type it', 'DB1');\n",
    )
    const node = primaryOf(this.#cluster)
    const target = ['-h', this.#cluster.socketDir, '-p', String(node.port), '-U', roleOf('app'), DATABASE]
    const args = ['-n', '-M', 'prepared', '-c', String(clients), '-j', '2', '-T', String(durationS), '-f', script, ...target]
    const env = { ...process.env, PGPASSWORD: readSecret(this.#cluster.secretsDir, 'app') }
    const { stdout } = await promisify(execFile)(program(this.#cluster, 'pgbench'), args, { env })
    const tps = /tps = ([\d.]+) \(without initial/.exec(stdout)?.[1]
    if (tps === undefined || !/number of failed transactions: 0 /.test(stdout))
      throw new Error(`Failed to measure with pgbench; it said:\n${stdout}`)
    return Number(tps)
  }

  /** Makes it `rows` records, by SQL. */
  async fill(rows: number): Promise<void> {
    await loginAs(
      primaryOf(this.#cluster),
      'admin',
      async (sql) => {
        await sql.unsafe('TRUNCATE relais.records RESTART IDENTITY')
        await sql`INSERT INTO relais.records (message, origin) SELECT 'record ' || n, 'DB1' FROM generate_series(1, ${rows}::int) AS n`
        await sql.unsafe('VACUUM (ANALYZE) relais.records')
        // What the filling left to be written must not be written while something is measured.
        await sql.unsafe('CHECKPOINT')
      },
      { timeoutMs: 120_000 },
    )
  }

  /** The table of the report's section 6.3.2. */
  fillForAggregates(): Promise<void> {
    return makeAggregateTable(this.#cluster)
  }

  /** A pool of its own on the server, with one statement at a time on each connection; the caller ends it. */
  pool(connections: number): Sql {
    const options = {
      host: this.#cluster.socketDir,
      port: primaryOf(this.#cluster).port,
      database: DATABASE,
      username: roleOf('readonly'),
      password: readSecret(this.#cluster.secretsDir, 'readonly'),
      max: connections,
      // Of further statements on one that is busy: all wait in the line before the pool. Its types do not have it.
      max_pipeline: 0,
      fetch_types: false,
    }
    return postgres(options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#service)
    await this.#server.stop()
    await cleanServer(primaryOf(this.#cluster))
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
