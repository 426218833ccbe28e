/**
 * Is a running native stage still what `up` made it? `policy`, `cache`, `slow` and `lag` change it and leave its recorded settings as they were.
 */
import type { LocatedStage } from './runtime.ts'
import { readApplyDelayMs } from './apply-delay.ts'
import { isCacheOn, policyInForce } from './change-balancers.ts'
import { readFaults } from './injected-faults.ts'
import { policyAt } from './nginx-files.ts'
import { StageDirectory } from './stage-directory.ts'

/** True where one of these verbs is still in force. Every instance has to serve: a standby is asked itself. */
export async function isChangedSinceStart(stateDirectory: string, { stage, topology, settings }: LocatedStage): Promise<boolean> {
  const directory = new StageDirectory(stateDirectory, stage)
  const { loadBalancers, nodes } = topology
  if (loadBalancers.some((one) => isCacheOn(directory, one) || policyInForce(directory, one) !== policyAt(one.tier, settings.policy)))
    return true
  if (nodes.some(({ name }) => Object.values(readFaults(directory, name)).some((delayMs) => delayMs !== 0))) return true
  const standbys = stage === 'stage2' ? nodes.filter(({ role }) => role === 'replica') : []
  const delaysMs = await Promise.all(standbys.map(({ name }) => readApplyDelayMs(directory, topology, name)))
  return delaysMs.some((delayMs) => delayMs !== 0)
}
