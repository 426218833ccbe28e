/** Stage 1's database services as processes on free ports, without load balancers: what the store itself can do. */
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import getPort from 'get-port'
import { HeldProcesses } from './held-process.ts'
import { answers200, end, untilReady } from './own-process.ts'

const ENTRY = fileURLToPath(import.meta.resolve('@relais/stage1-memory/main.ts'))
/** Instead of a replica: confirms and keeps nothing. */
const CONFIRMING = fileURLToPath(import.meta.resolve('./confirming-replica.ts'))

export interface DatabaseOptions {
  /** `hold()` holds each to so many; 0 to nothing. */
  readonly cores?: number
  /** Replicas that confirm whatever they are sent and do next to no work: what is left is the primary's part, mostly. */
  readonly confirmOnly?: boolean
}

const HEAP_MIB_MAX = 8 * 1024

export class DatabaseProcesses {
  readonly #dir = mkdtempSync(join(tmpdir(), 'relais-bench-'))
  readonly #ports = new Map<string, number>()
  readonly #processes = new Map<string, ChildProcess>()
  readonly #held: HeldProcesses
  readonly #replicaEntry: string

  private constructor({ cores = 0, confirmOnly = false }: DatabaseOptions) {
    this.#held = new HeldProcesses(cores)
    this.#replicaEntry = confirmOnly ? CONFIRMING : ENTRY
  }

  /** Starts db1 as the primary and `replicas` replicas, and waits until all are ready. */
  static async start(replicas: number, options: DatabaseOptions = {}): Promise<DatabaseProcesses> {
    const cluster = new DatabaseProcesses(options)
    writeFileSync(join(cluster.#dir, 'secret'), randomBytes(32).toString('hex'))
    for (let n = 1; n <= replicas + 1; n++) cluster.#ports.set(`db${n}`, await getPort())
    for (const name of cluster.#ports.keys()) cluster.spawn(name)
    try {
      for (const name of cluster.#ports.keys()) await cluster.ready(name)
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return cluster
  }

  url(name: string): string {
    return `http://127.0.0.1:${this.#ports.get(name)}`
  }

  spawn(name: string): void {
    const peers = [...this.#ports].filter(([other]) => other !== name).map(([other]) => `${other}=${this.url(other)}`)
    const settings = {
      RELAIS_STAGE: 'stage1',
      RELAIS_NAME: name,
      RELAIS_PORT: String(this.#ports.get(name)),
      RELAIS_ROLE: name === 'db1' ? 'primary' : 'replica',
      RELAIS_PEERS: peers.join(','),
      RELAIS_SECRET_FILE: join(this.#dir, 'secret'),
      RELAIS_DATA_DIR: join(this.#dir, name),
      RELAIS_LOG_LEVEL: 'warn',
      // A fast machine writes more within a measurement than the product would keep.
      RELAIS_RECORDS_MAX: '20000000',
    }
    const entry = name === 'db1' ? ENTRY : this.#replicaEntry
    this.#processes.set(
      name,
      this.#held.spawn(`${name}-${this.#ports.get(name)}`, process.execPath, [`--max-old-space-size=${HEAP_MIB_MAX}`, entry], {
        env: { ...process.env, ...settings },
        stdio: 'ignore',
      }),
    )
  }

  hold(): void {
    this.#held.hold()
  }

  kill(name: string): Promise<void> {
    return end(this.#processes.get(name)!, 'SIGKILL')
  }

  ready(name: string): Promise<void> {
    return untilReady(new Map([[name, this.#processes.get(name)!]]), () => answers200(`${this.url(name)}/readyz`))
  }

  /** Resident memory in MiB (Linux). */
  residentMiB(name: string): number {
    const status = readFileSync(`/proc/${this.#processes.get(name)!.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#processes.keys()) await this.kill(name)
    await this.#held.release()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
