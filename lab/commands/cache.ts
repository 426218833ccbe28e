/**
 * `cache STAGE --set on`: a load balancer that keeps answers of `GET /api/data` for one second (nginx/snippets/micro-cache-read.conf).
 */
import path from 'node:path'
import type { Command } from '../command-line/command.ts'
import { chosenBalancers } from '../command-line/chosen-balancers.ts'
import { oneOf, parseStage } from '../command-line/parse-arguments.ts'
import { refuseContainers, runningStage } from '../command-line/running-instance.ts'
import { changeBalancers, isCacheOn } from '../runtime/change-balancers.ts'
import { cacheFiles } from '../runtime/nginx-files.ts'
import { refuseClosedCacheDirectory } from '../runtime/nginx-workers.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'
import type { Tier } from '../topology.ts'

/** Not db: behind it a read may still have to be moved, and the balancer must see that answer each time. */
const TIERS: readonly Tier[] = ['frontend', 'backend']

export const command: Command = {
  summary: 'Shows or switches the micro-cache of a load balancer.',
  operands: 'STAGE',
  options: { set: { type: 'string' }, tier: { type: 'string' } },
  help: `  --set            on | off; without it, shows the current setting
  --tier TIER      ${TIERS.join(' | ')} (default frontend)
                   When on, answers to GET /api/data are kept for 1 s, and X-Cache says MISS, HIT, EXPIRED or BYPASS.
                   Requests with X-Session-Token or X-Read-From: primary bypass the cache.`,
  async run({ operands, values }, { runtime, stateDirectory, print }) {
    const stageName = parseStage(operands[0] ?? '')
    const set = values['set'] as string | undefined
    const isOn = set === undefined ? undefined : oneOf('--set', set, ['on', 'off']) === 'on'
    const stage = await runningStage(runtime, stageName, `find the cache of ${stageName}`)
    refuseContainers(stage, 'cache')
    const tier = (values['tier'] as string | undefined) ?? (isOn === undefined ? undefined : 'frontend')
    const balancers = chosenBalancers(stage, 'cache', tier, TIERS)
    const directory = new StageDirectory(stateDirectory, stageName)
    if (isOn === true) for (const { name } of balancers) refuseClosedCacheDirectory(path.join(directory.nginxPrefix(name), 'temp'))
    if (isOn !== undefined) await changeBalancers(stateDirectory, stageName, balancers, (_, balancer) => cacheFiles(balancer, isOn))
    const now = isOn === undefined ? '' : 'now '
    for (const balancer of balancers)
      print(`${stageName}/${balancer.name} ${now}keeps ${isCacheOn(directory, balancer) ? 'answers for 1 s' : 'no answers'}.`)
    return 0
  },
}
