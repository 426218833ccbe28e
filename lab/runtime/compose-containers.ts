/**
 * What runs, read from the engine: each container carries in its labels which process of which instance it is.
 *
 * There is no file beside it that could be wrong, so a stage that was started by plain `docker compose` is as good as one that
 * the lab started.
 */
import { STAGE_NAMES, topologyOf, type StageName, type Topology } from '../topology.ts'
import { DURABILITIES, REPLICATIONS } from '../service-environment.ts'
import { docker } from './compose-engine.ts'
import { POLICIES, type StageSettings } from './runtime.ts'

export interface Container {
  readonly id: string
  readonly stage: StageName
  /** "db2"; empty for the jobs of a start. */
  readonly instance: string
  /** "service", "postgres" or "nginx". */
  readonly process: string
  readonly isSingle: boolean
  readonly policy: string
  readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
  /** "starting", "healthy", "unhealthy"; empty without a check. */
  readonly health: string
  readonly pid: number
  readonly exitCode: number
  readonly startedAt: string
  /** On the host, of the one port that it publishes. */
  readonly port: number | null
  readonly cores: number
  readonly environment: ReadonlyMap<string, string>
}

/** Every container of the project, or of one of its stages. */
export async function findContainers(project: string, stage?: StageName): Promise<Container[]> {
  const filters = [`label=com.docker.compose.project=${project}`, stage ? `label=relais.stage=${stage}` : 'label=relais.stage']
  const list = ['ps', '--all', '--quiet', '--no-trunc', ...filters.flatMap((filter) => ['--filter', filter])]
  for (let attempt = 1; ; attempt++) {
    const ids = (await docker(list, 10_000)).split('\n').filter(Boolean)
    if (ids.length === 0) return []
    try {
      const text = await docker(['inspect', '--type', 'container', ...ids], 20_000)
      return (JSON.parse(text) as Inspected[]).map(toContainer).filter((container) => STAGE_NAMES.includes(container.stage))
    } catch (error) {
      // One of them was removed in between.
      if (attempt === LOOKS_MAX) throw error
    }
  }
}

const LOOKS_MAX = 3

/** What is read of `docker inspect`. */
interface Inspected {
  readonly Id: string
  readonly State: {
    readonly Status: Container['status']
    readonly Pid: number
    readonly ExitCode: number
    readonly StartedAt: string
    readonly Health?: { readonly Status: string }
  }
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly Env: readonly string[] }
  readonly HostConfig: {
    readonly NanoCpus: number
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>> | null
  }
}

function toContainer({ Id, State, Config, HostConfig }: Inspected): Container {
  const label = (name: string): string => Config.Labels[`relais.${name}`] ?? ''
  const port = Object.values(HostConfig.PortBindings ?? {}).flatMap((bindings) => bindings ?? [])[0]?.HostPort
  return {
    id: Id,
    stage: label('stage') as StageName,
    instance: label('instance'),
    process: label('process'),
    isSingle: label('single') === 'true',
    policy: label('policy'),
    status: State.Status,
    health: State.Health?.Status ?? '',
    pid: State.Pid,
    exitCode: State.ExitCode,
    startedAt: State.StartedAt,
    port: port === undefined ? null : Number(port),
    cores: HostConfig.NanoCpus / 1e9,
    environment: new Map(Config.Env.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)),
  }
}

/** running, paused; stopped: ended in an orderly way; dead: killed, or ended with an error. */
export function lifeOf(container: Container): 'running' | 'paused' | 'stopped' | 'dead' {
  if (container.status === 'running' || container.status === 'paused') return container.status
  return container.status === 'exited' && container.exitCode === 0 ? 'stopped' : 'dead'
}

/** The topology that these containers publish. */
export function topologyFrom(stage: StageName, containers: readonly Container[]): Topology {
  const ports = new Map(containers.flatMap(({ instance, port }) => (port === null ? [] : [[instance, port] as const])))
  return topologyOf(stage, { single: containers.some(({ isSingle }) => isSingle), ports })
}

/** The settings that these containers were made with. */
export function settingsFrom(containers: readonly Container[]): StageSettings {
  const database = containers.find(({ instance, process }) => instance === 'db1' && process === 'service')
  const policy = containers.find(({ process }) => process === 'nginx')?.policy
  return {
    replication: REPLICATIONS.find((word) => word === database?.environment.get('RELAIS_REPLICATION')) ?? 'log',
    durability: DURABILITIES.find((word) => word === database?.environment.get('RELAIS_DURABILITY')) ?? 'async',
    policy: POLICIES.find((word) => word === policy) ?? null,
    cpuPerInstance: database && database.cores > 0 ? database.cores : null,
  }
}
