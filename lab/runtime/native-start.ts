/**
 * Starting instances and waiting until each one serves.
 *
 * All start at once: nothing waits for another to be up, because every part has to live with the others coming and going
 * anyway. The first that ends instead of getting ready ends the wait, with its last words.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildProcess } from 'node:child_process'
import { z } from 'zod'
import { failed } from '../failure.ts'
import { entryUrl, primaryOf, type Topology } from '../topology.ts'
import { askOnce, type OnceAnswer } from './ask-once.ts'
import { holdProcess } from './cpu-share.ts'
import { startProcess } from './instance-processes.ts'
import { lastLines, sizeOf } from './log-files.ts'
import { isServing, reasonNotServing } from './readiness.ts'
import type { StartOptions } from './runtime.ts'
import type { StageDirectory } from './stage-directory.ts'
import { writeStageState, type InstanceRecord, type StageState } from './stage-state.ts'

const POLL_MS = 30
const READY_MS_MAX = 30_000
/** What a start costs in CPU, generously: an instance held to a small share needs that much longer. */
const START_CPU_MS = 1_000
const ANSWER_MS_MAX = 5_000
const LAST_LINES = 3

const inForceSchema = z.object({ durability: z.string() })

/** Resolves when every instance serves and a read passes the whole way; the state on disk then says `running`. */
export async function startInstances(directory: StageDirectory, state: StageState, options: StartOptions): Promise<void> {
  const startedAtMs = performance.now()
  const cancel = new AbortController()
  const signal = AbortSignal.any([cancel.signal, ...(options.signal ? [options.signal] : [])])
  const waits = state.instances.map(async (instance) => {
    await spawnInstance(directory, state, instance, signal)()
    options.observer?.ready?.(instance.name, performance.now() - startedAtMs)
  })
  try {
    await Promise.all(waits)
    await waitForWholeWay(state.topology, signal)
    await waitForDurability(state, signal)
  } catch (error) {
    cancel.abort()
    await Promise.allSettled(waits)
    throw options.signal?.aborted ? failed(`Stopped before ${state.topology.stage} was ready, as asked.`) : error
  }
  state.phase = 'running'
  writeStageState(directory.stateFile, state)
}

/** Resolves when what was started serves; rejects with its last lines if it ends before. */
export type UntilServing = () => Promise<void>

/** Starts what of the instance does not run and writes it down; the stage's lock is needed for this, and not for the wait. */
export function spawnInstance(directory: StageDirectory, state: StageState, instance: InstanceRecord, signal: AbortSignal): UntilServing {
  const logSizeBefore = sizeOf(instance.logFile)
  const endings: string[] = []
  for (const record of instance.processes) {
    signal.throwIfAborted()
    const { child, letGo } = startProcess(record, instance.logFile)
    watchEnding(child, record.name, endings)
    writeStageState(directory.stateFile, state)
    if (record.identity && instance.cpuGroup) holdProcess(instance.cpuGroup, state.settings.cpuPerInstance!, record.identity.pid)
    letGo()
  }
  return () => untilServing(state, instance, endings, logSizeBefore, signal)
}

async function untilServing(
  state: StageState,
  instance: InstanceRecord,
  endings: readonly string[],
  logSizeBefore: number,
  signal: AbortSignal,
): Promise<void> {
  const name = `${state.topology.stage}/${instance.name}`
  const { cpuPerInstance } = state.settings
  const readyMsMax = READY_MS_MAX + (cpuPerInstance === null ? 0 : START_CPU_MS / cpuPerInstance)
  const giveUpAtMs = performance.now() + readyMsMax
  while (!(await isServing(instance))) {
    signal.throwIfAborted()
    if (endings.length > 0 || performance.now() > giveUpAtMs) {
      const found = endings[0] ?? `it was not ready after ${readyMsMax / 1000} s${await reasonNotServing(instance)}`
      throw failed(`Failed to start ${name}: ${found}.\n${lastWords(instance, logSizeBefore)}`)
    }
    await sleep(POLL_MS)
  }
}

function watchEnding(child: ChildProcess, name: string, endings: string[]): void {
  child.once('error', (error) => endings.push(`${name} could not be executed (${error.message})`))
  child.once('exit', (code, signal) => endings.push(`${name} ended with ${signal ?? `exit code ${code}`}`))
}

/** The last lines of this start, or where to look if it said nothing. */
export function lastWords(instance: InstanceRecord, fromByte = 0): string {
  const lines = lastLines(instance.logFile, LAST_LINES, fromByte)
  return lines.length > 0 ? lines.map((line) => `  ${line}`).join('\n') : `  It wrote nothing to ${instance.logFile}.`
}

/** Each instance serves; does a read get through all of them? */
export async function waitForWholeWay(topology: Topology, signal: AbortSignal): Promise<void> {
  // From the outermost tier there is: a benchmark of the databases starts nothing before them.
  const url = `${entryUrl(topology, topology.nodes[0]!.tier)}/api/data?limit=1`
  await untilAnswered(url, ({ status }) => status === 200, `Failed to start ${topology.stage}: expected 200 through all tiers`, signal)
}

/** A server that was there before has the level of its last run until its keeper has set this one: writes would be confirmed by that. */
async function waitForDurability({ topology, settings: { durability } }: StageState, signal: AbortSignal): Promise<void> {
  const url = `${primaryOf(topology).url}/api/replication`
  const isInForce = ({ status, text }: OnceAnswer): boolean =>
    status === 200 && inForceSchema.parse(JSON.parse(text)).durability === durability
  await untilAnswered(url, isInForce, `Failed to start ${topology.stage}: expected durability ${durability} in force`, signal)
}

async function untilAnswered(url: string, isGood: (answer: OnceAnswer) => boolean, failure: string, signal: AbortSignal): Promise<void> {
  const giveUpAtMs = performance.now() + READY_MS_MAX
  let found = 'no answer'
  while (performance.now() < giveUpAtMs) {
    signal.throwIfAborted()
    try {
      const answer = await askOnce(url, ANSWER_MS_MAX)
      if (isGood(answer)) return
      found = `${answer.status} ${answer.text.slice(0, 200)}`
    } catch (error) {
      found = String(error)
    }
    await sleep(POLL_MS)
  }
  throw failed(`${failure}; every instance is ready, but GET ${url} answered ${found}.`)
}
