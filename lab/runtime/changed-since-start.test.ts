/** What the verbs that change a running stage leave is found in its files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { topologyOf } from '../topology.ts'
import { isChangedSinceStart } from './changed-since-start.ts'
import { cacheFiles, policyFiles, writeGenerated, writeNginxFiles } from './nginx-files.ts'
import type { LocatedStage } from './runtime.ts'
import { StageDirectory } from './stage-directory.ts'

const topology = topologyOf('stage1')
const [frontendLb] = topology.loadBalancers
let root: string
let directory: StageDirectory

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'relais-test-'))
  directory = new StageDirectory(root, 'stage1')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function started(policy: 'sticky' | null): LocatedStage {
  for (const balancer of topology.loadBalancers) writeNginxFiles(topology, balancer, directory.nginxPrefix(balancer.name), policy)
  const settings = { replication: 'log', durability: 'async', policy, cpuPerInstance: null } as const
  return { stage: 'stage1', runtime: 'native', topology, settings, phase: 'running', instances: [] }
}

test.each([null, 'sticky'] as const)('finds a stage as `up` made it, with the policy %s', async (policy) => {
  expect(await isChangedSinceStart(root, started(policy))).toBe(false)
})

test('finds another policy', async () => {
  const stage = started(null)
  writeGenerated(directory.nginxPrefix('frontend-lb'), policyFiles(topology, frontendLb!, 'hash'))
  expect(await isChangedSinceStart(root, stage)).toBe(true)
})

test('finds a cache that is on', async () => {
  const stage = started(null)
  writeGenerated(directory.nginxPrefix('frontend-lb'), cacheFiles(frontendLb!, true))
  expect(await isChangedSinceStart(root, stage)).toBe(true)
})

test.each([
  [{ answerDelayMs: 300 }, true],
  [{ replicationDelayMs: 300 }, true],
  [{ answerDelayMs: 0, replicationDelayMs: 0 }, false],
])('finds a fault that is in force: %j', async (faults, expected) => {
  const stage = started(null)
  mkdirSync(directory.faults, { recursive: true })
  writeFileSync(directory.faultsFile('db2'), JSON.stringify(faults))
  expect(await isChangedSinceStart(root, stage)).toBe(expected)
})
