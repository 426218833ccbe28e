/**
 * The Compose project of one lab: its name, and the environment that compose/compose.yaml is read with.
 *
 * The default state directory is the project that plain `docker compose` makes, so that the lab's commands find what was
 * started without it. Every other state directory is another project, on networks of its own.
 */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { nodesOf, portsIn, topologyOf, type StageName, type Topology } from '../topology.ts'
import type { StageSettings } from './runtime.ts'
import { REPOSITORY } from './stage-directory.ts'

const COMPOSE_FILE = path.join(REPOSITORY, 'compose', 'compose.yaml')
const DEFAULT_NAME = 'relais'

export interface ComposeProjectOptions {
  /** Two numbers of an address, "10.150": for whoever has several projects and knows that these do not meet. */
  readonly subnet?: string
  /**
   * The containers' own checks go on once in an hour: twelve containers that are asked every three seconds take 0.15 of a core
   * (measured), which a benchmark has no use for. Then a start asks the instances itself.
   */
  readonly isUnchecked?: boolean
}

export class ComposeProject {
  readonly name: string
  readonly isUnchecked: boolean
  readonly #stateDirectory: string
  readonly #chosenSubnet: string | undefined

  constructor(stateDirectory: string, { subnet, isUnchecked = false }: ComposeProjectOptions = {}) {
    this.#stateDirectory = stateDirectory
    this.#chosenSubnet = subnet
    this.isUnchecked = isUnchecked
    this.name = stateDirectory === path.join(REPOSITORY, '.relais') ? DEFAULT_NAME : `${DEFAULT_NAME}-${this.#hash.toString(16)}`
  }

  /** Where the files that differ by policy are written. */
  generatedDirectory(stage: StageName): string {
    return path.join(this.#stateDirectory, stage, 'compose')
  }

  /** What stands before the Compose command: which project, which file, which profile. */
  arguments(topology: Topology): string[] {
    const profile = topology.loadBalancers.length === 0 ? `${topology.stage}-single` : topology.stage
    return ['--project-name', this.name, '--file', COMPOSE_FILE, '--profile', profile]
  }

  /** What to start: nothing named is all that the profile has; a part of a stage is named, service by service. */
  services({ stage, nodes, loadBalancers }: Topology): string[] {
    const isWhole = loadBalancers.length === 0 || loadBalancers.length === topologyOf(stage).loadBalancers.length
    return isWhole ? [] : [...loadBalancers, ...nodes].map(({ name }) => `${stage}-${name}`)
  }

  environment(topology: Topology, settings: StageSettings): Record<string, string> {
    const isSingle = topology.loadBalancers.length === 0
    const ports = [...portsIn(topology)].map(([name, port]) => [portVariable(topology.stage, name, isSingle), String(port)])
    return {
      ...(this.name === DEFAULT_NAME ? {} : { RELAIS_SUBNET: this.#subnet }),
      ...(process.env['RELAIS_SUBNET'] ? { RELAIS_SUBNET: process.env['RELAIS_SUBNET'] } : {}),
      ...(this.#chosenSubnet === undefined ? {} : { RELAIS_SUBNET: this.#chosenSubnet }),
      ...(this.isUnchecked ? { RELAIS_HEALTH_INTERVAL: '1h' } : {}),
      ...peersOf(topology),
      RELAIS_GENERATED_DIR: this.generatedDirectory(topology.stage),
      RELAIS_REPLICATION: settings.replication,
      RELAIS_DURABILITY: settings.durability,
      RELAIS_POLICY: settings.policy ?? '',
      RELAIS_CPUS: String(settings.cpuPerInstance ?? 0),
      ...Object.fromEntries(ports),
    }
  }

  /** Two numbers of an address: not those of the default project, nor below 10.100, where other programs like to be. */
  get #subnet(): string {
    return `10.${100 + (this.#hash % 100)}`
  }

  get #hash(): number {
    return createHash('sha256').update(this.#stateDirectory).digest().readUInt32BE()
  }
}

/** Of a tier with fewer databases than three: a primary of stage 1 would ask for the others for ever. */
function peersOf(topology: Topology): Record<string, string> {
  const { stage, loadBalancers } = topology
  if (stage !== 'stage1' || loadBalancers.length === 0) return {}
  const names = new Set(nodesOf(topology, 'db').map(({ name }) => name))
  const replicas = nodesOf(topologyOf(stage), 'db').filter(({ name, role }) => role === 'replica' && names.has(name))
  return { RELAIS_STAGE1_REPLICAS: replicas.map(({ name, port }) => `${name}=http://${stage}-${name}:${port}`).join(',') }
}

/** "RELAIS_STAGE1_FRONTEND_LB_PORT", "RELAIS_STAGE1_SINGLE_DB1_PORT": what the published port of an instance is called in compose/stage1.yaml. */
export function portVariable(stage: StageName, name: string, isSingle: boolean): string {
  return ['RELAIS', stage, ...(isSingle ? ['single'] : []), name.replaceAll('-', '_'), 'PORT'].join('_').toUpperCase()
}
