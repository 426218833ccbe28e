/**
 * What the load balancers logged of one run, where their log is their containers' output: `docker logs`, after the run.
 *
 * Not followed while it runs: an engine that hands on every line would take its time from the cores that are measured. An upstream's
 * address is a container's, and its port is the instance's own inside of the stage; by that the line is told as the lab knows the
 * instance, by its published address.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { docker } from '../../runtime/compose-engine.ts'
import { topologyOf, type Topology } from '../../topology.ts'
import { parseLine, type LoggedRequest } from './access-logs.ts'
import type { RunLogs } from './observation.ts'

/** Nginx writes its lines a second late at most, the engine a moment later. */
const FLUSH_MS_MAX = 3_000
const LOOK_EVERY_MS = 300
const READ_MS_MAX = 30_000

const methodShape = z.object({ method: z.string() })

export class ContainerLogs implements RunLogs {
  readonly #containers: ReadonlyMap<string, string>
  readonly #topology: Topology
  /** A second early: the engine's clock and ours are the same, its lines' times are not. */
  readonly #since = new Date(Date.now() - 1_000).toISOString()

  /** `containers`: the id by balancer. */
  constructor(containers: ReadonlyMap<string, string>, topology: Topology) {
    this.#containers = containers
    this.#topology = topology
  }

  async linesOf(requestIdPrefix: string, expected: number): Promise<ReadonlyMap<string, readonly LoggedRequest[]>> {
    const giveUpAtMs = performance.now() + FLUSH_MS_MAX
    for (;;) {
      const isOver = performance.now() > giveUpAtMs
      const lines = new Map<string, LoggedRequest[]>()
      for (const [balancer, id] of this.#containers) lines.set(balancer, await this.#read(id, requestIdPrefix))
      if (isOver || [...lines.values()].every(({ length }) => length >= expected)) return lines
      await sleep(LOOK_EVERY_MS)
    }
  }

  async #read(id: string, requestIdPrefix: string): Promise<LoggedRequest[]> {
    const output = await docker(['logs', '--since', this.#since, id], READ_MS_MAX)
    return output.split('\n').flatMap((line) => {
      if (!line.includes(requestIdPrefix)) return []
      const logged = parseLine(line, isRead(line))
      if (!logged?.requestId.startsWith(requestIdPrefix)) return []
      return [{ ...logged, tries: logged.tries.map((one) => ({ ...one, address: publishedAddress(one.address, this.#topology) })) }]
    })
  }
}

function isRead(line: string): boolean {
  try {
    return /^(GET|HEAD)$/.test(methodShape.parse(JSON.parse(line)).method)
  } catch {
    return false
  }
}

/** "10.213.13.12:18008" is db2, wherever it is published; an address that is no instance's stays. */
export function publishedAddress(address: string, topology: Topology): string {
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  const name = topologyOf(topology.stage).nodes.find((node) => node.port === port)?.name
  const node = topology.nodes.find((one) => one.name === name)
  return node === undefined ? address : new URL(node.url).host
}
