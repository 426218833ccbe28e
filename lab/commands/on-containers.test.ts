/** Verbs that work on processes say so where a stage runs on containers, and neither show nor change what an earlier native run left. */
import { expect, test } from 'vitest'
import type { Command } from '../command-line/command.ts'
import type { LocatedStage, Runtime } from '../runtime/runtime.ts'
import { topologyOf, type StageName } from '../topology.ts'
import { command as cache } from './cache.ts'
import { command as connections } from './connections.ts'
import { command as lag } from './lag.ts'
import { command as policy } from './policy.ts'
import { command as slow } from './slow.ts'

function onContainers(stage: StageName): Promise<LocatedStage> {
  const topology = topologyOf(stage)
  const settings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null } as const
  const instances = topology.nodes.map(
    ({ name, tier, role, url }) => ({ name, tier, role, url, pid: 1, life: 'running', logFile: null }) as const,
  )
  return Promise.resolve({ stage, runtime: 'compose', topology, settings, phase: 'running', instances })
}

test.each<[string, Command, string]>([
  ['policy', policy, 'stage1'],
  ['cache', cache, 'stage2'],
  ['slow', slow, 'stage1/backend2'],
  ['lag', lag, 'stage1/db2'],
  ['lag', lag, 'stage2/db3'],
  ['connections', connections, 'stage2/db1'],
])('%s refuses containers', async (verb, command, operand) => {
  const context = { runtime: { locate: onContainers } as unknown as Runtime, stateDirectory: '/nowhere', print: () => {} }
  const stage = operand.slice(0, 6)
  await expect(command.run({ operands: [operand], values: {} }, context)).rejects.toThrow(
    `Failed to ${verb}: it works on processes only, and ${stage} runs in containers.\nStart ${stage} with \`--runtime native\`.`,
  )
})
