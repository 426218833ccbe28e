/**
 * The one list of stages, tiers, nodes, roles and ports. Upstream files, runtimes, status and benchmark derive
 * from it, so an address is written down in one place and nowhere else.
 *
 *   user ─▶ frontend-lb ─▶ frontend1..3 ─▶ backend-lb ─▶ backend1..3 ─▶ db-lb ─▶ db1 (primary), db2, db3 (replicas)
 *
 * With `single` the load balancers go and one instance of each tier stays, each calling the next directly: the
 * configuration that the balanced one is measured against.
 */

export const STAGE_NAMES = ['stage1', 'stage2'] as const
export type StageName = (typeof STAGE_NAMES)[number]

const TIERS = ['frontend', 'backend', 'db'] as const
export type Tier = (typeof TIERS)[number]

export type Role = 'primary' | 'replica'

/** One instance of a service. Its number is the report's `server_id`. */
export interface Node {
  readonly name: string
  readonly tier: Tier
  readonly number: number
  /** Only database nodes have one. */
  readonly role: Role | null
  readonly port: number
  readonly url: string
  /** Of the PostgreSQL server beside a database node of stage 2; `null` elsewhere. */
  readonly postgresPort: number | null
}

/** An Nginx that stands before one tier. */
export interface LoadBalancer {
  readonly name: string
  readonly tier: Tier
  readonly port: number
  readonly url: string
}

export interface Topology {
  readonly stage: StageName
  readonly host: string
  readonly nodes: readonly Node[]
  /** In the order of the flow; empty with `single`. */
  readonly loadBalancers: readonly LoadBalancer[]
}

export interface TopologyOptions {
  /** One instance a tier, connected directly. */
  readonly single?: boolean
  /** Added to every port, so that several clusters can live side by side. */
  readonly portOffset?: number
  /** Single ports by node or load balancer name, for example `frontend-lb`; the offset does not apply to them. */
  readonly ports?: ReadonlyMap<string, number>
}

const HOST = '127.0.0.1'
const INSTANCES_PER_TIER = 3
/** From the first instance's port to the first PostgreSQL server's. */
const POSTGRES_PORT_STEP = 17
const PORTS: Record<StageName, { loadBalancers: Record<Tier, number>; instances: number }> = {
  stage1: { loadBalancers: { frontend: 8080, backend: 8081, db: 8084 }, instances: 18_000 },
  stage2: { loadBalancers: { frontend: 9080, backend: 9081, db: 9084 }, instances: 19_000 },
}

export function topologyOf(stage: StageName, options: TopologyOptions = {}): Topology {
  const { loadBalancers, instances } = PORTS[stage]
  const address = (name: string, port: number): { port: number; url: string } => {
    const chosen = options.ports?.get(name) ?? port + (options.portOffset ?? 0)
    return { port: chosen, url: `http://${HOST}:${chosen}` }
  }
  const nodes = TIERS.flatMap((tier, tierIndex) =>
    Array.from({ length: options.single ? 1 : INSTANCES_PER_TIER }, (_, index): Node => {
      const name = `${tier}${index + 1}`
      const port = instances + tierIndex * INSTANCES_PER_TIER + index + 1
      const hasServer = stage === 'stage2' && tier === 'db'
      const postgresPort = hasServer ? address(postgresName(index + 1), instances + POSTGRES_PORT_STEP + index).port : null
      return { name, tier, number: index + 1, role: roleOf(tier, index), ...address(name, port), postgresPort }
    }),
  )
  const balancers = TIERS.map((tier): LoadBalancer => {
    const name = `${tier}-lb`
    return { name, tier, ...address(name, loadBalancers[tier]) }
  })
  return { stage, host: HOST, nodes, loadBalancers: options.single ? [] : balancers }
}

/** "postgres1": what the port of db1's PostgreSQL server is called. */
function postgresName(number: number): string {
  return `postgres${number}`
}

function roleOf(tier: Tier, index: number): Role | null {
  if (tier !== 'db') return null
  return index === 0 ? 'primary' : 'replica'
}

export function nodesOf(topology: Topology, tier: Tier): readonly Node[] {
  return topology.nodes.filter((node) => node.tier === tier)
}

/** The node that takes every write. */
export function primaryOf(topology: Topology): Node {
  return topology.nodes.find((node) => node.role === 'primary')!
}

/** Where a tier is reached: its load balancer, or with `single` its only instance. */
export function entryUrl(topology: Topology, tier: Tier): string {
  return topology.loadBalancers.find((balancer) => balancer.tier === tier)?.url ?? nodesOf(topology, tier)[0]!.url
}

/** Every name that `STAGE/NAME` can address, load balancers last. */
export function namesIn(topology: Topology): readonly string[] {
  return [...topology.nodes, ...topology.loadBalancers].map(({ name }) => name)
}

/** Every port that the stage listens on, by name. */
export function portsIn(topology: Topology): ReadonlyMap<string, number> {
  const ports = new Map([...topology.loadBalancers, ...topology.nodes].map(({ name, port }) => [name, port]))
  for (const { number, postgresPort } of topology.nodes) if (postgresPort !== null) ports.set(postgresName(number), postgresPort)
  return ports
}
