/**
 * What differs in a container's Nginx files: it listens on every address of its own, and its upstreams are containers.
 *
 * Names and not addresses: each container has all of its stage in its hosts file (compose/stage1.yaml), with fixed addresses, so
 * that one that was made anew is found again without Nginx resolving anything.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { namesIn, STAGE_NAMES, topologyOf, type StageName, type Topology } from '../topology.ts'
import { DEFAULT_POLICY, generatedFiles } from './nginx-files.ts'
import type { Policy } from './runtime.ts'

/** As containers call each other: "http://stage1-db2:18008", "http://stage1-single-db1:18007". Published ports are another matter, these never change. */
export function insideTopology(stage: StageName, single = false): Topology {
  const topology = topologyOf(stage, { single })
  const prefix = single ? `${stage}-single` : stage
  const inside = <T extends { name: string; port: number }>(one: T): T => ({ ...one, url: `http://${prefix}-${one.name}:${one.port}` })
  return { ...topology, nodes: topology.nodes.map(inside), loadBalancers: topology.loadBalancers.map(inside) }
}

/** What a load balancer's files are made of: it listens on every address of its own. */
function containerTopology(stage: StageName, part: Topology | undefined): Topology {
  const topology = insideTopology(stage)
  const names = part && part.stage === stage && part.loadBalancers.length > 0 ? new Set(namesIn(part)) : undefined
  const chosen = <T extends { name: string }>(all: readonly T[]): T[] => all.filter(({ name }) => names?.has(name) ?? true)
  return { ...topology, host: '0.0.0.0', nodes: chosen(topology.nodes), loadBalancers: chosen(topology.loadBalancers) }
}

/** The exporter of compose/monitoring asks from another container. */
const STATUS_SERVER = ['status-server.conf', 'include snippets/status-server.conf;\n'] as const

/** Every generated file of a stage, or of a part of it, by its path below a directory: "stage1/db-lb/upstream-read.conf". */
export function composeNginxFiles(stage: StageName, policy: Policy | null, part?: Topology): ReadonlyMap<string, string> {
  const topology = containerTopology(stage, part)
  const files = topology.loadBalancers.flatMap((balancer) =>
    [...generatedFiles(topology, balancer, policy ?? DEFAULT_POLICY[balancer.tier]), STATUS_SERVER].map(
      ([name, text]) => [`${stage}/${balancer.name}/${name}`, `# Generated from lab/topology.ts.\n${text}`] as const,
    ),
  )
  return new Map(files)
}

/** Writes those of both stages. Readable for everybody, whatever the umask: a container's user is somebody else. */
export function writeComposeNginxFiles(directory: string, policy: Policy | null = null, part?: Topology): void {
  for (const stage of STAGE_NAMES) {
    for (const [name, text] of composeNginxFiles(stage, policy, part)) {
      const file = path.join(directory, name)
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, text)
      chmodSync(path.dirname(file), 0o755)
      chmodSync(file, 0o644)
    }
  }
}
