/**
 * The native runtime: every instance is a process of this machine.
 *
 *   startStage: ports free? ─▶ files, secret, nginx -t ─▶ all processes at once ─▶ each one ready ─▶ the whole way answers
 *
 * It remembers nothing: `state.json` and the process table are read for every call, so `down` in another shell works the
 * same after the lab that started the stage was killed.
 */
import { psqlCommand } from '@relais/stage2-postgres/cluster/connect.ts'
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { failed, misused } from '../failure.ts'
import type { Durability } from '../service-environment.ts'
import { portsIn, type StageName, type Topology } from '../topology.ts'
import { findCpuShares, removeGroup, type CpuShares } from './cpu-share.ts'
import { instanceLife, livingProcesses } from './instance-processes.ts'
import { boundLogs } from './log-files.ts'
import { NativeActions } from './native-actions.ts'
import { planInstances } from './native-plan.ts'
import { startInstances } from './native-start.ts'
import { stopInstances } from './native-stop.ts'
import { testNginxFiles, writeNginxFiles } from './nginx-files.ts'
import { refuseTakenPorts } from './ports.ts'
import { endServers, prepareServers, serverPlans, setServersDurability, type PostgresServers } from './postgres-servers.ts'
import type {
  LocatedStage,
  PsqlCommand,
  Runtime,
  StageEvents,
  StageSettings,
  StartOptions,
  StartedStage,
  StoppedStage,
  Target,
} from './runtime.ts'
import { StageDirectory } from './stage-directory.ts'
import { withStageLock } from './stage-lock.ts'
import { watchStage } from './watch-stage.ts'
import { readStageState, removeStageState, writeStageState, type ProcessRecord, type StageState } from './stage-state.ts'

export class NativeRuntime implements Runtime {
  readonly #stateDirectory: string
  readonly #actions: NativeActions

  /** `stateDirectory` holds one directory a stage; other directories are other clusters. */
  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory
    this.#actions = new NativeActions((stage) => this.#directory(stage))
  }

  async startStage(topology: Topology, settings: StageSettings, options: StartOptions = {}): Promise<StartedStage> {
    const directory = this.#directory(topology.stage)
    const startedAtMs = performance.now()
    return withStageLock(directory.lockFile, async () => {
      const old = readStageState(directory.stateFile)
      refuseSecondStart(topology.stage, old)
      if (old) await this.#end(directory, old)
      await refuseTakenPorts(topology, portsIn(topology))
      if (options.fresh)
        for (const left of [directory.data, ...directory.logDirectories(topology)]) rmSync(left, { recursive: true, force: true })
      const shares = settings.cpuPerInstance === null ? undefined : findCpuShares(settings.cpuPerInstance)
      const servers = topology.stage === 'stage2' ? await prepareServers(directory, topology, settings, options) : undefined
      const state = await prepare(directory, topology, settings, shares, servers)
      try {
        await startInstances(directory, state, options)
      } catch (error) {
        await this.#end(directory, state)
        throw error
      }
      return { afterMs: performance.now() - startedAtMs, cpuLimit: shares?.description ?? null, notes: [] }
    })
  }

  async stopStage(stage: StageName): Promise<StoppedStage | null> {
    const directory = this.#directory(stage)
    if (!readStageState(directory.stateFile)) return null
    return withStageLock(directory.lockFile, async () => {
      const state = readStageState(directory.stateFile)
      return state ? this.#end(directory, state) : null
    })
  }

  async locate(stage: StageName): Promise<LocatedStage | null> {
    const directory = this.#directory(stage)
    const state = readStageState(directory.stateFile)
    if (!state) return null
    boundLogs(directory.logDirectories(state.topology))
    const instances = state.instances.map((instance) => {
      const life = instanceLife(instance)
      const pid = life === 'running' || life === 'paused' ? (instance.processes[0]?.identity?.pid ?? null) : null
      const { name, tier, role, url, logFile } = instance
      return { name, tier, role, url, logFile, pid, life }
    })
    return { stage, runtime: 'native', topology: state.topology, settings: state.settings, phase: state.phase, instances }
  }

  async setDurability(stage: StageName, durability: Durability): Promise<void> {
    const directory = this.#directory(stage)
    await withStageLock(directory.lockFile, async () => {
      const state = readStageState(directory.stateFile)
      if (!state) throw failed(`Failed to set the durability of ${stage}: it does not run.\nStart it with \`npm run lab -- up ${stage}\`.`)
      await setServersDurability(directory, state.topology, durability)
      // What is started later in this run must not go back to what `up` was given.
      const instances = state.instances.map((instance) => ({
        ...instance,
        processes: instance.processes.map((record) => ({ ...record, env: { ...record.env, ...durabilityOf(record, durability) } })),
      }))
      writeStageState(directory.stateFile, { ...state, settings: { ...state.settings, durability }, instances })
    })
  }

  async psql(instance: string, args: readonly string[]): Promise<PsqlCommand> {
    const directory = this.#directory('stage2')
    const state = readStageState(directory.stateFile)
    if (!state) throw failed('Failed to open psql: stage2 does not run.\nStart it with `npm run lab -- up stage2`.')
    const { nodes } = await describeCluster({ dir: directory.postgres, nodes: serverPlans(state.topology) })
    const node = nodes.find(({ name }) => name === instance)
    if (!node) throw misused(`Failed to open psql: found ${instance}, expected one of ${nodes.map(({ name }) => name).join(', ')}.`)
    const command = psqlCommand(node)
    return { ...command, args: [...command.args, ...args] }
  }

  watch(stage: StageName, events: StageEvents, signal: AbortSignal): Promise<'down' | 'aborted'> {
    return watchStage(this.#directory(stage), events, signal)
  }

  start(target: Target): Promise<string> {
    return this.#actions.start(target)
  }
  stop(target: Target): Promise<string> {
    return this.#actions.stop(target)
  }
  kill(target: Target): Promise<string> {
    return this.#actions.kill(target)
  }
  pause(target: Target): Promise<string> {
    return this.#actions.pause(target)
  }
  resume(target: Target): Promise<string> {
    return this.#actions.resume(target)
  }

  #directory(stage: StageName): StageDirectory {
    return new StageDirectory(this.#stateDirectory, stage)
  }

  async #end(directory: StageDirectory, state: StageState): Promise<StoppedStage> {
    const stopped = await stopInstances(directory, state)
    if (directory.stage === 'stage2') await endServers(directory, state.topology)
    for (const { cpuGroup } of state.instances) if (cpuGroup) await removeGroup(cpuGroup)
    rmSync(directory.secretFile, { force: true })
    rmSync(directory.faults, { recursive: true, force: true })
    removeStageState(directory.stateFile)
    return stopped
  }
}

function durabilityOf({ env }: ProcessRecord, durability: Durability): Record<string, string> {
  return 'RELAIS_DURABILITY' in env ? { RELAIS_DURABILITY: durability } : {}
}

async function prepare(
  directory: StageDirectory,
  topology: Topology,
  settings: StageSettings,
  shares: CpuShares | undefined,
  servers: PostgresServers | undefined,
): Promise<StageState> {
  for (const made of [directory.root, directory.logs, directory.data]) mkdirSync(made, { recursive: true })
  rmSync(directory.faults, { recursive: true, force: true })
  rmSync(directory.secretFile, { force: true })
  writeFileSync(directory.secretFile, randomBytes(32).toString('hex'), { mode: 0o600 })
  const prefixOf = (name: string): string => directory.nginxPrefix(name)
  for (const balancer of topology.loadBalancers) writeNginxFiles(topology, balancer, prefixOf(balancer.name), settings.policy)
  await Promise.all(topology.loadBalancers.map((balancer) => testNginxFiles(balancer, prefixOf(balancer.name))))
  const instances = planInstances(directory, topology, settings, shares, servers)
  return { version: 1, runtime: 'native', run: randomUUID(), phase: 'starting', topology, settings, instances }
}

function refuseSecondStart(stage: StageName, state: StageState | undefined): void {
  const alive = state?.instances.filter(({ processes }) => livingProcesses(processes).length > 0).length ?? 0
  if (!state || alive === 0) return
  throw failed(
    `Failed to start ${stage}: it already runs (${alive} of ${state.instances.length} instances), expected it to be down.\n` +
      'See it with `npm run lab -- status`, end it with `npm run lab -- down`.',
  )
}
