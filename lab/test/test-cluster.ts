/**
 * A cluster for a test: its own state directory and free ports, driven by the command line as a user would.
 */
import { execFile } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import path from 'node:path'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import type { StageStatus } from '../stage-status.ts'
import type { StageName } from '../topology.ts'
import { COMPILE_CACHE, makeStateDirectory } from './support/state-directory.ts'
import { drawPortOffset, SUBNET } from './support/test-ports.ts'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export const CLI = path.join(REPOSITORY, 'lab', 'cli.ts')

export class TestCluster {
  readonly stateDirectory: string
  readonly portOffset: number
  readonly environment: NodeJS.ProcessEnv

  private constructor(portOffset: number) {
    this.stateDirectory = makeStateDirectory()
    // As root PostgreSQL runs as another user, whose data would go elsewhere if it could not enter.
    chmodSync(this.stateDirectory, 0o755)
    this.portOffset = portOffset
    const { FORCE_COLOR: _, ...inherited } = process.env
    this.environment = {
      ...inherited,
      NO_COLOR: '1',
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      RELAIS_STATE_DIR: this.stateDirectory,
      RELAIS_PORT_OFFSET: String(portOffset),
      RELAIS_SUBNET: SUBNET,
    }
  }

  /** For these stages: each has its ports. */
  static async create(...stages: readonly [StageName, ...StageName[]]): Promise<TestCluster> {
    return new TestCluster(await drawPortOffset(...stages))
  }

  /** `lab('kill', 'stage1/db2')`; never rejects. */
  lab(...args: string[]): Promise<Outcome> {
    return this.labWithin(60_000, ...args)
  }

  /** For what takes longer. */
  labWithin(timeoutMs: number, ...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(process.execPath, [CLI, ...args], { env: this.environment, timeout: timeoutMs }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr })
      })
    })
  }

  async status(stage: StageName): Promise<StageStatus> {
    const { stdout } = await this.lab('status', '--json')
    return (JSON.parse(stdout) as { stages: Record<StageName, StageStatus> }).stages[stage]
  }

  /** Stops whatever runs and removes the directory. */
  async remove(): Promise<void> {
    await this.lab('down')
    rmSync(this.stateDirectory, { recursive: true, force: true })
  }
}
