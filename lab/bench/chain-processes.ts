/** A whole chain, three tiers behind the project's own Nginx files, of our services or of bare ones. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DEFAULT_POLICY, nginxCommand, writeNginxFiles } from '../runtime/nginx-files.ts'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { refuseTakenPorts } from '../runtime/ports.ts'
import { HeldProcesses } from './held-process.ts'
import { answers200, end, untilReady } from './own-process.ts'
import { serviceEnvironment } from '../service-environment.ts'
import { entryUrl, portsIn, topologyOf, type Node, type Tier, type Topology } from '../topology.ts'

export type ChainKind = 'relais' | 'bare'

const ENTRIES: Record<Tier, string> = {
  frontend: 'shared/frontend/main.ts',
  backend: 'shared/backend/main.ts',
  db: 'stage1-memory/main.ts',
}
const BARE_ENTRY = 'lab/bench/bare-service.ts'
/** Longer than the frontend's own deadline. */
const WRITE_MS_MAX = 10_000

export class ChainProcesses {
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'relais-chain-'))
  readonly #topology: Topology
  readonly #processes = new Map<string, ChildProcess>()
  readonly #held: HeldProcesses

  private constructor(topology: Topology, cores: number) {
    this.#topology = topology
    this.#held = new HeldProcesses(cores)
  }

  /** `hold()` holds each service to `cores` of a core, or to nothing with 0; the load balancers never are. */
  static async start(kind: ChainKind, portOffset: number, cores = 0): Promise<ChainProcesses> {
    const topology = topologyOf('stage1', { portOffset })
    await refuseTakenPorts(topology, portsIn(topology))
    const chain = new ChainProcesses(topology, cores)
    writeFileSync(path.join(chain.#dir, 'secret'), randomBytes(32).toString('hex'))
    for (const node of chain.#topology.nodes) chain.#spawnNode(kind, node)
    for (const balancer of chain.#topology.loadBalancers) {
      const prefix = path.join(chain.#dir, balancer.name)
      writeNginxFiles(chain.#topology, balancer, prefix, DEFAULT_POLICY[balancer.tier])
      const { command, args } = nginxCommand(balancer, prefix)
      chain.#processes.set(balancer.name, spawn(command, args, { stdio: 'ignore' }))
    }
    try {
      await chain.#ready(kind)
    } catch (error) {
      await chain[Symbol.asyncDispose]()
      throw error
    }
    return chain
  }

  get url(): string {
    return entryUrl(this.#topology, 'frontend')
  }

  hold(): void {
    this.#held.hold()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes.values()) await end(child)
    await this.#held.release()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #spawnNode(kind: ChainKind, node: Node): void {
    const dataDirectory = path.join(this.#dir, node.name)
    mkdirSync(dataDirectory)
    const settings = { replication: 'log', durability: 'async', secretFile: path.join(this.#dir, 'secret'), dataDirectory } as const
    const env = { ...process.env, ...serviceEnvironment(this.#topology, node, settings) }
    const entry = kind === 'bare' ? BARE_ENTRY : ENTRIES[node.tier]
    const log = openSync(path.join(this.#dir, `${node.name}.log`), 'a')
    this.#processes.set(
      node.name,
      this.#held.spawn(`${node.name}-${node.port}`, process.execPath, [entry], { cwd: REPOSITORY, env, stdio: ['ignore', log, 'inherit'] }),
    )
  }

  /** Until a read through all tiers works; ours needs a record first. */
  #ready(kind: ChainKind): Promise<void> {
    return untilReady(this.#processes, async () => {
      if (kind === 'relais') await this.#write()
      return answers200(`${this.url}/data`)
    })
  }

  async #write(): Promise<void> {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Test data' }),
      signal: AbortSignal.timeout(WRITE_MS_MAX),
    }
    await fetch(`${this.url}/api/data`, init).catch(() => undefined)
  }
}
