/** Stage 2's database tier for tests: three real PostgreSQL servers, and the services beside them in this process. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import { expect, vi } from 'vitest'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import type { Durability } from '@relais/shared/store/store.ts'
import { standbysOf, type Cluster, type ClusterNode } from '../cluster/cluster.ts'
import { loginAs } from '../cluster/login.ts'
import { openPrimary, prepareCluster } from '../cluster/prepare-cluster.ts'
import { prepareServer } from '../cluster/prepare-server.ts'
import type { Login } from '../cluster/secrets.ts'
import { cleanServer, ready, signalServer, startServer, type StartedServer } from '../cluster/server.ts'
import { createNode, type Node } from '../node.ts'
import { setDurability } from '../replication/durability.ts'
import { Connections } from '../store/connections.ts'

const NAMES = ['db1', 'db2', 'db3'] as const
export type NodeName = (typeof NAMES)[number]

export interface TestClusterOptions {
  readonly settings?: Record<string, string>
  readonly durability?: Durability
  /** Default: all three. */
  readonly nodes?: readonly NodeName[]
}

export class PostgresCluster {
  readonly dir: string
  readonly cluster: Cluster
  /** What was said while the cluster was made and its servers were prepared. */
  readonly progress: string[] = []
  readonly #servers = new Map<NodeName, StartedServer>()
  readonly #services = new Map<NodeName, Node>()

  private constructor(dir: string, cluster: Cluster, progress: string[]) {
    this.dir = dir
    this.cluster = cluster
    this.progress = progress
  }

  /** Makes a cluster, starts its servers and services, and waits until all are ready. */
  static async start({ settings = {}, durability = 'async', nodes = NAMES }: TestClusterOptions = {}): Promise<PostgresCluster> {
    const dir = mkdtempSync(join(tmpdir(), 'relais-postgres-'))
    // As root the servers run as another user, who must be able to get here.
    chmodSync(dir, 0o755)
    const progress: string[] = []
    const plans = []
    for (const name of nodes)
      plans.push({ name, port: await freePort(), role: name === 'db1' ? ('primary' as const) : ('replica' as const) })
    const cluster = await prepareCluster({ dir, nodes: plans, settings, onProgress: (message) => progress.push(message) })
    const started = new PostgresCluster(dir, cluster, progress)
    await started.startServer('db1')
    await openPrimary(cluster, durability)
    await Promise.all(nodes.filter((name) => name !== 'db1').map((name) => started.startServer(name)))
    for (const name of nodes) started.startService(name)
    for (const name of nodes) await started.serviceReady(name)
    return started
  }

  node(name: NodeName): ClusterNode {
    return this.cluster.nodes.find((node) => node.name === name)!
  }

  service(name: NodeName): Node {
    return this.#services.get(name)!
  }

  async startServer(name: NodeName): Promise<void> {
    const node = this.node(name)
    await prepareServer(node, (message) => this.progress.push(message))
    this.#servers.set(name, startServer(node))
    await ready(node)
  }

  /** PostgreSQL's fast stop. */
  async stopServer(name: NodeName): Promise<void> {
    await this.#servers.get(name)?.stop()
    this.#servers.delete(name)
  }

  /** A crash: every process of the server at once. */
  async killServer(name: NodeName): Promise<void> {
    signalServer(this.node(name), 'SIGKILL')
    await this.stopServer(name)
  }

  startService(name: NodeName): void {
    const { cluster } = this
    this.#services.set(
      name,
      createNode(
        {
          RELAIS_STAGE: 'stage2',
          RELAIS_NAME: name,
          RELAIS_HOST: '127.0.0.1',
          RELAIS_PORT: 1,
          RELAIS_LOG_LEVEL: 'silent',
          RELAIS_IN_FLIGHT_MAX: 4096,
          RELAIS_ROLE: name === 'db1' ? 'primary' : 'replica',
          RELAIS_PRIMARY: 'db1',
          RELAIS_PEERS: cluster.nodes.filter((node) => node.name !== name).map((node) => ({ name: node.name, url: 'http://peer.test' })),
          RELAIS_DURABILITY: 'async',
          RELAIS_DATA_DIR: this.dir,
          RELAIS_POSTGRES_HOST: cluster.socketDir,
          RELAIS_POSTGRES_PORT: this.node(name).port,
          RELAIS_POSTGRES_SECRETS_DIR: cluster.secretsDir,
        },
        SILENT_LOG,
      ),
    )
  }

  async serviceReady(name: NodeName): Promise<void> {
    await eventually(async () => {
      expect(await this.service(name).store.notReadyBecause()).toBeUndefined()
      expect((await this.service(name).store.replication()).name).toBe(name)
    })
  }

  sql<T>(name: NodeName, login: Login, visit: (sql: Sql) => Promise<T>): Promise<T> {
    return loginAs(this.node(name), login, visit, { timeoutMs: 20_000 })
  }

  /** A service's own, to one server, for who looks at them; to be closed by whoever asked. */
  connectionsTo(name: NodeName): Connections {
    const { secretsDir, host } = this.cluster
    const address = { host, port: this.node(name).port, secretsDir }
    return new Connections({ name: 'test', role: 'primary', address, onFacts: () => {}, onLost: () => {}, log: SILENT_LOG })
  }

  /** No records, no keys, ids from 1. */
  async empty(): Promise<void> {
    await this.sql('db1', 'owner', async (sql) => void (await sql.unsafe('TRUNCATE records, idempotency_keys RESTART IDENTITY')))
  }

  async setDurability(durability: Durability): Promise<void> {
    const names = standbysOf(this.cluster).map(({ name }) => name)
    await this.sql('db1', 'admin', (sql) => setDurability(sql, durability, names))
    await eventually(async () => expect((await this.service('db1').store.replication()).durability).toBe(durability))
  }

  async streaming(...names: NodeName[]): Promise<void> {
    await eventually(async () => {
      const { replicas } = await this.service('db1').store.replication()
      for (const name of names) expect(replicas.find((replica) => replica.name === name)).toMatchObject({ state: 'streaming' })
    })
  }

  async close(): Promise<void> {
    for (const node of this.#services.values()) await node.close()
    for (const node of this.cluster.nodes) signalServer(node, 'SIGCONT')
    await Promise.all([...this.#servers.keys()].map((name) => this.stopServer(name)))
    for (const node of this.cluster.nodes) await cleanServer(node)
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** The node with a program of PostgreSQL replaced by a shell script; the others are as they are. */
export function withProgram(node: ClusterNode, name: string, script: string): ClusterNode {
  const { programs } = node.cluster
  const bindir = mkdtempSync(join(node.cluster.root, 'programs-'))
  // Made as root, and run as the servers' user.
  chmodSync(bindir, 0o755)
  for (const program of readdirSync(programs.bindir).filter((other) => other !== name))
    symlinkSync(join(programs.bindir, program), join(bindir, program))
  writeFileSync(join(bindir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return { ...node, cluster: { ...node.cluster, programs: { ...programs, bindir } } }
}

/** Waits, bounded, for a state. */
export async function eventually(assertion: () => Promise<void>, timeoutMs = 20_000): Promise<void> {
  await vi.waitFor(assertion, { timeout: timeoutMs, interval: 20 })
}

const FIRST_PORT = 29_520
/** Each of vitest’s workers looks in a range of its own: two clusters that are made at once never choose the same port. */
let nextPort = FIRST_PORT + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 8) * 280 + Math.floor(Math.random() * 140)

/** A port that is free now, away from the product's own. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort++
    if (nextPort > 31_900) nextPort = FIRST_PORT
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => {
      const found = (server.address() as AddressInfo).port
      server.close(() => resolve(found === port))
    })
  })
}
