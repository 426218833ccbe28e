/**
 * What runs, on disk: written by whoever changes it, read by every other shell.
 *
 * The file is replaced by rename, so a reader sees the old or the new one and never half of one; a lab that is killed between two writes
 * leaves the last complete one. It records each process before and after its start, hence `down` can undo a start that died half-way.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Role, Tier, Topology } from '../topology.ts'
import { failed } from '../failure.ts'
import type { ProcessIdentity } from './process-table.ts'
import type { StagePhase, StageSettings } from './runtime.ts'

const VERSION = 1

export interface StageState {
  readonly version: typeof VERSION
  readonly runtime: 'native'
  /** One `up`, so that who watches one run notices that another has begun. */
  readonly run: string
  phase: StagePhase
  readonly topology: Topology
  readonly settings: StageSettings
  readonly instances: readonly InstanceRecord[]
}

/** An instance is one process or several that live and die together, such as a service and its PostgreSQL. */
export interface InstanceRecord {
  readonly name: string
  readonly tier: Tier | 'lb'
  readonly role: Role | null
  readonly url: string
  readonly logFile: string
  /** Limit on its CPU, as `cpu-share.ts` keeps it; `null` for none. */
  readonly cpuGroup: string | null
  readonly processes: ProcessRecord[]
}

export interface ProcessRecord {
  /** "service", "nginx", "postgres". */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly stopSignal: NodeJS.Signals
  /** Of the last start; `null` before the first. */
  identity: ProcessIdentity | null
  /** What the lab asked of it last; `null` when it should run. */
  asked: 'stop' | 'kill' | null
}

/** `undefined` when there is none. Fails on a file of another version, or one that somebody edited into nonsense. */
export function readStageState(file: string): StageState | undefined {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const state = parse(text)
  if (state?.version === VERSION && Array.isArray(state.instances)) return state
  throw failed(
    `Failed to read ${file}: found ${JSON.stringify(text.slice(0, 40))}, expected a state of version ${VERSION}.\n` +
      'End the processes that it names by hand if they still run, then delete the file.',
  )
}

export function writeStageState(file: string, state: StageState): void {
  mkdirSync(path.dirname(file), { recursive: true })
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify(state, null, 1)}\n`, { mode: 0o600 })
  renameSync(partial, file)
}

/** Also what a lab that was killed while it wrote has left beside it. */
export function removeStageState(file: string): void {
  const { dir, base } = path.parse(file)
  const isPartial = (name: string): boolean => name.startsWith(`${base}.`) && /^\d+$/.test(name.slice(base.length + 1))
  const partials = existsSync(dir) ? readdirSync(dir).filter(isPartial) : []
  for (const name of [base, ...partials]) rmSync(path.join(dir, name), { force: true })
}

function parse(text: string): StageState | undefined {
  try {
    return JSON.parse(text) as StageState
  } catch {
    return undefined
  }
}
