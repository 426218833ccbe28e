/** Stage 1's database tier in one process, over real loopback HTTP: what the integration tests of the stage run against. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import getPort from 'get-port'
import { expect, vi } from 'vitest'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { listen, type RunningServer } from '@relais/shared/http/server.ts'
import { createNode, type Node, type Stage1Settings } from '../node.ts'

export const NAMES = ['db1', 'db2', 'db3'] as const
export type NodeName = (typeof NAMES)[number]

export class MemoryCluster {
  readonly dir = mkdtempSync(join(tmpdir(), 'relais-memory-'))
  readonly #settings: Partial<Stage1Settings>
  readonly #ports = new Map<NodeName, number>()
  readonly #running = new Map<NodeName, { node: Node; server: RunningServer }>()

  private constructor(settings: Partial<Stage1Settings>) {
    this.#settings = settings
  }

  /** Starts all three nodes and waits until each is ready. */
  static async start(settings: Partial<Stage1Settings> = {}): Promise<MemoryCluster> {
    const cluster = new MemoryCluster(settings)
    writeFileSync(cluster.secretFile, randomBytes(32).toString('hex'))
    for (const name of NAMES) cluster.#ports.set(name, await getPort({ exclude: [...cluster.#ports.values()] }))
    for (const name of NAMES) await cluster.startNode(name)
    for (const name of NAMES) await cluster.ready(name)
    return cluster
  }

  get secretFile(): string {
    return join(this.dir, 'secret')
  }

  url(name: NodeName): string {
    return `http://127.0.0.1:${this.#ports.get(name)}`
  }

  node(name: NodeName): Node {
    return this.#running.get(name)!.node
  }

  /** Starts a node with an empty list, as after a crash. */
  async startNode(name: NodeName, settings: Partial<Stage1Settings> = {}): Promise<void> {
    const peers = NAMES.filter((other) => other !== name).map((other) => ({ name: other, url: this.url(other) }))
    const node = createNode(
      {
        RELAIS_STAGE: 'stage1',
        RELAIS_NAME: name,
        RELAIS_HOST: '127.0.0.1',
        RELAIS_PORT: this.#ports.get(name)!,
        RELAIS_LOG_LEVEL: 'silent',
        RELAIS_IN_FLIGHT_MAX: 4096,
        RELAIS_ROLE: name === 'db1' ? 'primary' : 'replica',
        RELAIS_PRIMARY: 'db1',
        RELAIS_PEERS: peers,
        RELAIS_DURABILITY: 'async',
        RELAIS_REPLICATION: 'log',
        RELAIS_SECRET_FILE: this.secretFile,
        RELAIS_DATA_DIR: join(this.dir, name),
        RELAIS_FAULT_REPLICATION_DELAY_MS: 0,
        ...this.#settings,
        ...settings,
      },
      SILENT_LOG,
    )
    this.#running.set(name, { node, server: await listen(node.service, '127.0.0.1', this.#ports.get(name)!) })
  }

  /** Ends a node; its list is gone with it. */
  async stopNode(name: NodeName): Promise<void> {
    const running = this.#running.get(name)
    if (!running) return
    this.#running.delete(name)
    await running.node.close()
    await running.server.close()
  }

  async ready(name: NodeName): Promise<void> {
    await vi.waitFor(async () => expect(await this.node(name).store.notReadyBecause()).toBeUndefined(), { timeout: 10_000, interval: 10 })
  }

  async close(): Promise<void> {
    await Promise.all(NAMES.map((name) => this.stopNode(name)))
    rmSync(this.dir, { recursive: true, force: true })
  }
}
