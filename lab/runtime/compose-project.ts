/**
 * The Compose project of one lab: its name, and the environment that compose/compose.yaml is read with.
 *
 * The default state directory is the project that plain `docker compose` makes, so that the lab's commands find what was
 * started without it. Every other state directory is another project, on networks of its own.
 */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { portsIn, type StageName, type Topology } from '../topology.ts'
import type { StageSettings } from './runtime.ts'
import { REPOSITORY } from './stage-directory.ts'

const COMPOSE_FILE = path.join(REPOSITORY, 'compose', 'compose.yaml')
const DEFAULT_NAME = 'relais'

export class ComposeProject {
  readonly name: string
  readonly #stateDirectory: string

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory
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

  environment(topology: Topology, settings: StageSettings): Record<string, string> {
    const ports = [...portsIn(topology)].map(([name, port]) => [portVariable(topology.stage, name), String(port)])
    return {
      ...(this.name === DEFAULT_NAME ? {} : { RELAIS_SUBNET: this.#subnet }),
      ...(process.env['RELAIS_SUBNET'] ? { RELAIS_SUBNET: process.env['RELAIS_SUBNET'] } : {}),
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

/** "RELAIS_STAGE1_FRONTEND_LB_PORT": what the published port of an instance is called in compose/stage1.yaml. */
export function portVariable(stage: StageName, name: string): string {
  return `RELAIS_${stage}_${name.replaceAll('-', '_')}_PORT`.toUpperCase()
}
