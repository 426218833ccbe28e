/**
 * The compose runtime: every instance is a container, or two (a database of stage 2 and its PostgreSQL server).
 *
 *   startStage: engine? ports free? ─▶ Nginx files ─▶ image ─▶ docker compose up --wait ─▶ the whole way answers
 *
 * It remembers nothing: what runs is read from the engine for every call. compose/compose.yaml says what a stage is made of; here
 * it is only started with settings, and its containers are acted on one by one.
 */
import { DURABILITY_MS_MAX, setDurabilityBy } from '@relais/stage2-postgres/replication/durability.ts'
import { failed, misused } from '../failure.ts'
import type { Durability } from '../service-environment.ts'
import { nodesOf, portsIn, type StageName, type Topology } from '../topology.ts'
import { ComposeActions } from './compose-actions.ts'
import { findContainers, lifeOf, settingsFrom, topologyFrom, type Container } from './compose-containers.ts'
import { docker, needEngine } from './compose-engine.ts'
import { openMountedFiles } from './compose-mounts.ts'
import { writeComposeNginxFiles } from './compose-nginx-files.ts'
import { ComposeProject } from './compose-project.ts'
import { startContainers } from './compose-start.ts'
import { removeStage, removeVolumes } from './compose-stop.ts'
import { watchContainers } from './compose-watch.ts'
import { refuseTakenPorts } from './ports.ts'
import type { LocatedInstance, LocatedStage, PsqlCommand, Runtime, StageEvents, StageSettings } from './runtime.ts'
import type { StartOptions, StartedStage, StoppedStage, Target } from './runtime.ts'
import { StageDirectory } from './stage-directory.ts'
import { withStageLock } from './stage-lock.ts'

export class ComposeRuntime implements Runtime {
  readonly #stateDirectory: string
  readonly #project: ComposeProject
  readonly #actions: ComposeActions

  constructor(stateDirectory: string, project: ComposeProject = new ComposeProject(stateDirectory)) {
    this.#stateDirectory = stateDirectory
    this.#project = project
    this.#actions = new ComposeActions((stage) => this.#containers(stage))
  }

  async startStage(topology: Topology, settings: StageSettings, options: StartOptions = {}): Promise<StartedStage> {
    const { stage } = topology
    const startedAtMs = performance.now()
    await needEngine()
    return withStageLock(new StageDirectory(this.#stateDirectory, stage).lockFile, async () => {
      refuseSecondStart(stage, await this.#containers(stage))
      // What stopped, or was made with other settings, is made anew.
      await removeStage(this.#project.name, stage)
      await refuseTakenPorts(topology, publishedPorts(topology))
      const notes = [openMountedFiles(), ...(options.fresh ? [await this.#removeData(stage)] : [])].filter((note) => note !== '')
      writeComposeNginxFiles(this.#project.generatedDirectory(stage), settings.policy, topology)
      try {
        await startContainers(this.#project, topology, settings, options)
      } catch (error) {
        await removeStage(this.#project.name, stage)
        throw options.signal?.aborted ? failed(`Stopped before ${stage} was ready, as asked.`) : error
      }
      return { afterMs: performance.now() - startedAtMs, cpuLimit: describeLimit(topology, settings), notes }
    })
  }

  async stopStage(stage: StageName): Promise<StoppedStage | null> {
    if ((await this.#containers(stage)).length === 0) return null
    return withStageLock(new StageDirectory(this.#stateDirectory, stage).lockFile, () => removeStage(this.#project.name, stage))
  }

  /** After `stopStage`: the stage's volumes, and what is in them. */
  async removeData(stage: StageName): Promise<void> {
    await this.#removeData(stage)
  }

  async locate(stage: StageName): Promise<LocatedStage | null> {
    const containers = await this.#containers(stage)
    if (!containers.some(({ instance }) => instance !== '')) return null
    const topology = topologyFrom(stage, containers)
    const isStarting = containers.some(({ status, health }) => status === 'created' || (status === 'running' && health === 'starting'))
    return {
      stage,
      runtime: 'compose',
      topology,
      settings: settingsFrom(containers),
      phase: isStarting ? 'starting' : 'running',
      instances: [...topology.loadBalancers, ...topology.nodes].map(({ name }) => locateInstance(topology, name, containers)),
    }
  }

  async setDurability(stage: StageName, durability: Durability): Promise<void> {
    const located = await this.locate(stage)
    if (!located) throw failed(`Failed to set the durability of ${stage}: it does not run.\nStart it with \`npm run lab -- up ${stage}\`.`)
    const standbys = nodesOf(located.topology, 'db').flatMap(({ name, role }) => (role === 'replica' ? [name] : []))
    // By psql, because PostgreSQL publishes no port.
    const { args } = await this.psql('db1', ['-qAtc'])
    const ask = async (statement: string): Promise<string> => (await docker([...args, statement], DURABILITY_MS_MAX)).trim()
    await setDurabilityBy(ask, durability, standbys).catch((error: unknown) => {
      throw failed(`Failed to set the durability of ${stage}: ${error instanceof Error ? error.message : String(error)}`)
    })
  }

  /** psql in the server's own container, as its administrator. */
  async psql(instance: string, args: readonly string[], isInteractive = false): Promise<PsqlCommand> {
    const containers = await this.#containers('stage2')
    const server = containers.find((container) => container.instance === instance && container.process === 'postgres')
    if (!server) throw misused(`Failed to open psql: found ${instance}, expected db1, db2 or db3 of a running stage2.`)
    const terminal = isInteractive ? ['--interactive', '--tty'] : ['--interactive']
    return { command: 'docker', args: ['exec', ...terminal, server.id, '/bin/bash', '/etc/relais/psql.sh', ...args], env: {} }
  }

  watch(stage: StageName, events: StageEvents, signal: AbortSignal): Promise<'down' | 'aborted'> {
    return watchContainers(() => this.#containers(stage), events, signal)
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

  /** One sentence on whose containers had to go for it, or nothing. */
  async #removeData(stage: StageName): Promise<string> {
    const removed = await removeVolumes(this.#project.name, stage)
    if (removed.length === 0) return ''
    return `Removed with the data of ${stage}, because they had its volumes: ${removed.join(', ')}. \`up --wait\` of their profile makes them anew.`
  }

  /** (!) Beside the balanced stage, a single variant is there for the bench in a container; names mean the balanced one's. */
  async #containers(stage: StageName): Promise<Container[]> {
    const all = await findContainers(this.#project.name, stage)
    const balanced = all.filter(({ isSingle }) => !isSingle)
    return balanced.some(({ instance }) => instance !== '') ? balanced : all
  }
}

function locateInstance(topology: Topology, name: string, containers: readonly Container[]): LocatedInstance {
  const node = topology.nodes.find((one) => one.name === name)
  const url = node?.url ?? topology.loadBalancers.find((balancer) => balancer.name === name)!.url
  const own = containers.filter(({ instance }) => instance === name)
  const lives = new Set(own.map(lifeOf))
  const life = own.length === 0 ? 'dead' : ((['dead', 'stopped', 'paused'] as const).find((one) => lives.has(one)) ?? 'running')
  const pid = own.find(({ process }) => process !== 'postgres')?.pid ?? 0
  return { name, tier: node?.tier ?? 'lb', role: node?.role ?? null, url, logFile: null, pid: pid === 0 ? null : pid, life }
}

/** PostgreSQL is reached in its container, and publishes nothing. */
function publishedPorts(topology: Topology): ReadonlyMap<string, number> {
  return new Map([...portsIn(topology)].filter(([name]) => !name.startsWith('postgres')))
}

function refuseSecondStart(stage: StageName, containers: readonly Container[]): void {
  const alive = containers.filter((container) => container.status === 'running' || container.status === 'paused').length
  if (alive === 0) return
  throw failed(
    `Failed to start ${stage}: it already runs (${alive} of ${containers.length} containers), expected it to be down.\n` +
      'See it with `npm run lab -- status`, end it with `npm run lab -- down`.',
  )
}

function describeLimit({ stage }: Topology, { cpuPerInstance }: StageSettings): string | null {
  if (cpuPerInstance === null) return null
  const servers = stage === 'stage2' ? ', and each PostgreSQL server to as much again' : ''
  return `Each service is held to ${cpuPerInstance} of a core by its container${servers}; load balancers are not held.`
}
