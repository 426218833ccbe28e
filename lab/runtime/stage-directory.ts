/**
 * Where a stage keeps what it needs to run: one directory, git-ignored, and nothing outside it (but see postgres/).
 *
 *   .relais/stage1/state.json   what runs: the truth that every other shell reads
 *                  lock         held while a lab changes it
 *                  secret       signs node-to-node calls, made anew by each `up`
 *                  faults/      what an instance is asked to do badly, one file each
 *                  logs/        one file an instance
 *                  nginx/       one prefix a load balancer
 *                  data/        one directory a database service
 *                  postgres/    stage 2's cluster; elsewhere when its servers' user cannot enter this directory
 */
import path from 'node:path'
import type { StageName, Topology } from '../topology.ts'

export const REPOSITORY = path.resolve(import.meta.dirname, '../..')

/** Of the lab, from `--state-dir`, `RELAIS_STATE_DIR` or the default; absolute. */
export function stateDirectory(chosen?: string): string {
  return path.resolve(chosen ?? (process.env['RELAIS_STATE_DIR'] || path.join(REPOSITORY, '.relais')))
}

export class StageDirectory {
  readonly stage: StageName
  readonly root: string

  constructor(directory: string, stage: StageName) {
    this.stage = stage
    this.root = path.join(directory, stage)
  }

  get stateFile(): string {
    return path.join(this.root, 'state.json')
  }
  get lockFile(): string {
    return path.join(this.root, 'lock')
  }
  get secretFile(): string {
    return path.join(this.root, 'secret')
  }
  get logs(): string {
    return path.join(this.root, 'logs')
  }
  get faults(): string {
    return path.join(this.root, 'faults')
  }
  faultsFile(instance: string): string {
    return path.join(this.faults, `${instance}.json`)
  }
  get data(): string {
    return path.join(this.root, 'data')
  }
  /** Every directory that running instances write logs into. */
  logDirectories(topology: Topology): string[] {
    return [this.logs, ...topology.loadBalancers.map(({ name }) => path.join(this.nginxPrefix(name), 'logs'))]
  }
  logFile(instance: string): string {
    return path.join(this.logs, `${instance}.log`)
  }
  /** The PostgreSQL cluster of stage 2, unless its server's user cannot enter it (cluster/directories.ts). */
  get postgres(): string {
    return path.join(this.root, 'postgres')
  }
  dataOf(instance: string): string {
    return path.join(this.data, instance)
  }
  nginxPrefix(loadBalancer: string): string {
    return path.join(this.root, 'nginx', loadBalancer)
  }
}
