/**
 * `policy STAGE --set NAME`: another balancing policy while the stage runs, by a reload of Nginx.
 *
 * Sticky is the frontends' alone: the inner tiers do not see a visitor's cookie.
 */
import type { Command } from '../command-line/command.ts'
import { chosenBalancers } from '../command-line/chosen-balancers.ts'
import { oneOf, parseStage } from '../command-line/parse-arguments.ts'
import { refuseContainers, runningStage } from '../command-line/running-instance.ts'
import { misused } from '../failure.ts'
import { changeBalancers, policyInForce } from '../runtime/change-balancers.ts'
import { policyFiles } from '../runtime/nginx-files.ts'
import { POLICIES } from '../runtime/runtime.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'
import type { Tier } from '../topology.ts'

const TIERS: readonly Tier[] = ['frontend', 'backend', 'db']

export const command: Command = {
  summary: 'Shows or switches the balancing policy while a stage runs.',
  operands: 'STAGE',
  options: { set: { type: 'string' }, tier: { type: 'string' } },
  help: `  --set NAME       ${POLICIES.join(' | ')}; without it, shows the current policy
  --tier TIER      ${TIERS.join(' | ')} (default: all three; sticky: frontend, the only one that sees cookies)`,
  async run({ operands, values }, { runtime, stateDirectory, print }) {
    const stageName = parseStage(operands[0] ?? '')
    const set = values['set'] as string | undefined
    const policy = set === undefined ? undefined : oneOf('--set', set, POLICIES)
    const tier = values['tier'] as string | undefined
    if (policy === 'sticky' && tier !== undefined && tier !== 'frontend')
      throw misused(`Failed to set sticky for --tier ${tier}: a visitor's cookie goes no further than the frontends. Leave out --tier.`)
    const stage = await runningStage(runtime, stageName, `find the policy of ${stageName}`)
    refuseContainers(stage, 'policy')
    const balancers = chosenBalancers(stage, 'policy', tier, policy === 'sticky' ? ['frontend'] : TIERS)
    const directory = new StageDirectory(stateDirectory, stageName)
    const before = new Map(balancers.map((balancer) => [balancer, policyInForce(directory, balancer)]))
    if (policy === undefined) {
      for (const [{ name }, current] of before) print(`${stageName}/${name} balances by ${current}.`)
      return 0
    }
    await changeBalancers(stateDirectory, stageName, balancers, (topology, balancer) => policyFiles(topology, balancer, policy))
    for (const [{ name }, old] of before) print(`${stageName}/${name} now balances by ${policy} (was ${old}).`)
    return 0
  },
}
