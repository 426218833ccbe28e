/**
 * Changes what load balancers do while they run: new generated files, `nginx -t`, a reload.
 *
 *   policy, cache ─▶ conf/generated/ ─▶ nginx -t ─▶ SIGHUP ─▶ new workers serve, the old ones finish
 *
 * Files that Nginx refuses are taken back: left there, they would keep the balancer from starting the next time. What is in force is read
 * from the files and from nowhere else.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failed } from '../failure.ts'
import type { LoadBalancer, StageName, Topology } from '../topology.ts'
import { instanceLife, livingProcesses } from './instance-processes.ts'
import { testNginxFiles, writeGenerated } from './nginx-files.ts'
import { POLICIES, type Policy } from './runtime.ts'
import { StageDirectory } from './stage-directory.ts'
import { withStageLock } from './stage-lock.ts'
import { readStageState, type InstanceRecord } from './stage-state.ts'

const NEW_WORKER_MS_MAX = 5_000
/** Old workers end when their last request has; a client that is slow to read must not hold up the lab. */
const OLD_WORKERS_MS_MAX = 2_000
const POLL_MS = 10

/** The files that a balancer gets; an empty map leaves it alone. */
export type Change = (topology: Topology, balancer: LoadBalancer) => ReadonlyMap<string, string>

/** Resolves when new workers serve. All are checked before any is changed; only a reload that fails leaves those before it changed. */
export async function changeBalancers(
  stateDirectory: string,
  stage: StageName,
  balancers: readonly LoadBalancer[],
  change: Change,
): Promise<void> {
  const directory = new StageDirectory(stateDirectory, stage)
  await withStageLock(directory.lockFile, async () => {
    const state = readStageState(directory.stateFile)
    if (!state) throw failed(`Failed to change ${stage}: it does not run.\nStart it with \`npm run lab -- up ${stage}\`.`)
    const instances = balancers.map(({ name }) => state.instances.find((instance) => instance.name === name)!)
    for (const instance of instances) {
      const life = instanceLife(instance)
      if (life !== 'running') throw failed(`Failed to change ${stage}/${instance.name}: it does not run (${life}).`)
    }
    const takeBack: (() => void)[] = []
    try {
      for (const balancer of balancers)
        takeBack.push(await place(balancer, directory.nginxPrefix(balancer.name), change(state.topology, balancer)))
    } catch (error) {
      for (const undo of takeBack) undo()
      throw error
    }
    for (const [index, instance] of instances.entries()) {
      await reload(instance).catch((error: unknown) => {
        // Whoever was not told to read its files keeps those that it serves by.
        for (const undo of takeBack.slice(index + 1)) undo()
        throw error
      })
    }
  })
}

/** Resolves to what takes the files back. */
async function place(balancer: LoadBalancer, prefix: string, files: ReadonlyMap<string, string>): Promise<() => void> {
  const generated = (name: string): string => path.join(prefix, 'conf', 'generated', name)
  const before = new Map([...files.keys()].map((name) => [name, withoutHeader(readFileSync(generated(name), 'utf8'))]))
  const takeBack = (): void => writeGenerated(prefix, before)
  writeGenerated(prefix, files)
  try {
    await testNginxFiles(balancer, prefix)
  } catch (error) {
    takeBack()
    throw error
  }
  return takeBack
}

function withoutHeader(text: string): string {
  return text.slice(text.indexOf('\n') + 1)
}

/** SIGHUP to the one that reads the files; its workers are replaced. */
async function reload({ name, processes }: InstanceRecord): Promise<void> {
  const leader = processes[0]!.identity!
  const workers = (): number[] =>
    livingProcesses(processes)
      .map(({ pid }) => pid)
      .filter((pid) => pid !== leader.pid)
  const old = new Set(workers())
  process.kill(leader.pid, 'SIGHUP')
  const isReplaced = await until(() => workers().some((pid) => !old.has(pid)), NEW_WORKER_MS_MAX)
  if (!isReplaced)
    throw failed(`Failed to reload ${name}: no new worker within ${NEW_WORKER_MS_MAX / 1000} s; its logs/error.log says why.`)
  await until(() => !workers().some((pid) => old.has(pid)), OLD_WORKERS_MS_MAX)
}

async function until(isSo: () => boolean, waitMsMax: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + waitMsMax
  while (!isSo()) {
    if (performance.now() > giveUpAtMs) return false
    await sleep(POLL_MS)
  }
  return true
}

/** What the balancer's files say. */
export function policyInForce(directory: StageDirectory, balancer: LoadBalancer): Policy {
  const word = /policies\/([a-z-]+)\.conf/.exec(generatedText(directory, balancer, 'policy.conf'))?.[1]
  const policy = POLICIES.find((one) => one === word)
  if (!policy) throw failed(`Failed to read the policy of ${balancer.name}: found ${word ?? 'none'} in its policy.conf.`)
  return policy
}

/** Never at db-lb, which has no cache. */
export function isCacheOn(directory: StageDirectory, balancer: LoadBalancer): boolean {
  return balancer.tier !== 'db' && generatedText(directory, balancer, 'cache.conf').includes('include ')
}

function generatedText(directory: StageDirectory, { name }: LoadBalancer, file: string): string {
  return readFileSync(path.join(directory.nginxPrefix(name), 'conf', 'generated', file), 'utf8')
}
