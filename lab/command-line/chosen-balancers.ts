/** The load balancers of a running stage that `--tier` means: one, or all of those that the verb is for. */
import { misused } from '../failure.ts'
import type { LocatedStage } from '../runtime/runtime.ts'
import type { LoadBalancer, Tier } from '../topology.ts'
import { oneOf } from './parse-arguments.ts'

export function chosenBalancers(stage: LocatedStage, verb: string, tierText: string | undefined, tiers: readonly Tier[]): LoadBalancer[] {
  const chosen = tierText === undefined ? tiers : [oneOf('--tier', tierText, tiers)]
  const balancers = stage.topology.loadBalancers.filter(({ tier }) => chosen.includes(tier))
  if (balancers.length === 0)
    throw misused(`Failed to read \`${verb}\`: ${stage.stage} runs with --single and has no load balancer. Start it without.`)
  return balancers
}
