/**
 * The database tier alone: db-lb with one, two or three databases behind it, and nobody before it.
 *
 * For the capacity of that tier the others would only be in the way: three frontends on two cores are their own bottleneck.
 */
import type { Topology } from '../../topology.ts'

export function databaseTier(topology: Topology, databases: number): Topology {
  const nodes = topology.nodes.filter(({ tier }) => tier === 'db').slice(0, databases)
  return { ...topology, nodes, loadBalancers: topology.loadBalancers.filter(({ tier }) => tier === 'db') }
}
