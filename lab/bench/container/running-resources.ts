/**
 * CPU and memory of instances in other containers, without the engine: what each service tells of its own process, and for a PostgreSQL
 * server what its container's cgroup says, which the server itself reads to us (pg_read_file, as its administrator).
 *
 *   start ── a look ── … ── a look ── stop        CPU: the difference; memory: the larger one
 *
 * Load balancers have no row: Nginx tells nothing about its own process.
 */
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { askOnce } from '../../runtime/ask-once.ts'
import type { ContainerUse } from '../../runtime/engine-api.ts'
import type { Node, Topology } from '../../topology.ts'
import type { ResourceMeter } from '../measure/observation.ts'
import type { InstanceUse } from '../results/bench-record.ts'
import { serverOf } from './server-login.ts'

const ASK_MS_MAX = 5_000
const BYTES_PER_MIB = 1024 * 1024

export class RunningResources implements ResourceMeter {
  readonly #topology: Topology
  #before = new Map<string, ContainerUse>()

  constructor(topology: Topology) {
    this.#topology = topology
  }

  async start(): Promise<void> {
    this.#before = await this.#look()
  }

  /** An instance that could not be asked at one of the two moments has no row: unknown is not nothing. */
  async stop(): Promise<readonly InstanceUse[]> {
    const after = await this.#look()
    return [...after].flatMap(([name, { cpuS, memoryMiB }]) => {
      const before = this.#before.get(name)
      if (before === undefined || cpuS < before.cpuS) return []
      return [{ name, cpuS: cpuS - before.cpuS, memoryMiB: Math.max(memoryMiB, before.memoryMiB) }]
    })
  }

  async #look(): Promise<Map<string, ContainerUse>> {
    const uses = await Promise.all(this.#topology.nodes.map(async (node) => [node.name, await useOf(node).catch(() => undefined)] as const))
    return new Map(uses.flatMap(([name, use]) => (use === undefined ? [] : [[name, use] as const])))
  }
}

async function useOf(node: Node): Promise<ContainerUse | undefined> {
  const { status, text } = await askOnce(`${node.url}/metrics`, ASK_MS_MAX)
  if (status !== 200) return undefined
  const service = parseProcessUse(text)
  if (node.postgresPort === null || service === undefined) return service
  const server = await useOfServer(node)
  return server && { cpuS: service.cpuS + server.cpuS, memoryMiB: service.memoryMiB + server.memoryMiB }
}

/** `undefined` where the text does not tell. */
export function parseProcessUse(text: string): ContainerUse | undefined {
  const valueOf = (name: string): number => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN)
  const use = { cpuS: valueOf('process_cpu_seconds_total'), memoryMiB: valueOf('process_resident_memory_bytes') / BYTES_PER_MIB }
  return Number.isNaN(use.cpuS + use.memoryMiB) ? undefined : use
}

/** Both layouts of cgroups, as a container sees its own. A file that is not there is NULL. */
const CGROUP_FILES = {
  cpu2: 'cpu.stat',
  memory2: 'memory.current',
  stat2: 'memory.stat',
  cpu1: 'cpuacct/cpuacct.usage',
  memory1: 'memory/memory.usage_in_bytes',
  stat1: 'memory/memory.stat',
} as const
export type CgroupTexts = Readonly<Record<keyof typeof CGROUP_FILES, string | null>>

async function useOfServer(node: Node): Promise<ContainerUse | undefined> {
  const columns = Object.entries(CGROUP_FILES).map(([name, file]) => `pg_read_file('/sys/fs/cgroup/${file}', true) AS ${name}`)
  const rows = await loginAs(serverOf(node), 'admin', (sql) => sql.unsafe<CgroupTexts[]>(`SELECT ${columns.join(', ')}`), {
    timeoutMs: ASK_MS_MAX,
  })
  return parseCgroupUse(rows[0]!)
}

/** Without what the page cache would give back at once, as the engine counts it. */
export function parseCgroupUse({ cpu2, memory2, stat2, cpu1, memory1, stat1 }: CgroupTexts): ContainerUse | undefined {
  const cpuS = cpu2 === null ? numberIn(cpu1) / 1e9 : numberIn(/^usage_usec (\d+)/m.exec(cpu2)?.[1]) / 1e6
  const cache = /^(?:total_)?inactive_file (\d+)/m
  const totalCache = /^total_inactive_file (\d+)/m
  const [held, stat] = memory2 === null ? [numberIn(memory1), stat1] : [numberIn(memory2), stat2]
  const given = Number((totalCache.exec(stat ?? '') ?? cache.exec(stat ?? ''))?.[1] ?? 0)
  const use = { cpuS, memoryMiB: Math.max(0, held - given) / BYTES_PER_MIB }
  return Number.isNaN(use.cpuS + use.memoryMiB) ? undefined : use
}

function numberIn(text: string | null | undefined): number {
  return text === null || text === undefined ? Number.NaN : Number(text)
}
