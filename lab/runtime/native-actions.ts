/**
 * What can be done to one instance, or to one process of it, while its stage runs.
 *
 * `start`, `stop`, `pause` and `resume` name a state: asking for the one that is there is done at once. `kill` is an event
 * and needs something alive. What was asked is written down before the signal, so that who watches knows an order from an accident.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { failed, misused } from '../failure.ts'
import { namesIn, type StageName } from '../topology.ts'
import { lifeOf, livingProcesses, signalFamily } from './instance-processes.ts'
import { spawnInstance } from './native-start.ts'
import { killProcesses, stopProcesses } from './native-stop.ts'
import type { Target } from './runtime.ts'
import type { StageDirectory } from './stage-directory.ts'
import { withStageLock } from './stage-lock.ts'
import { readStageState, writeStageState, type InstanceRecord, type ProcessRecord, type StageState } from './stage-state.ts'

const PAUSE_MS_MAX = 1_000

/** What an action works on, read from disk while the stage's lock is held. */
interface Subject {
  readonly name: string
  readonly directory: StageDirectory
  readonly state: StageState
  readonly instance: InstanceRecord
  /** One, or all of the instance's. */
  readonly records: readonly ProcessRecord[]
}

export class NativeActions {
  readonly #directoryOf: (stage: StageName) => StageDirectory

  constructor(directoryOf: (stage: StageName) => StageDirectory) {
    this.#directoryOf = directoryOf
  }

  /** Waits for readiness without the lock: an instance may be waiting for one that another lab is about to start. */
  async start(target: Target): Promise<string> {
    const startedAtMs = performance.now()
    const { name, records, untilServing } = await this.#act(target, async ({ name, directory, state, instance, records }) => {
      const ended = records.filter((record) => !isAlive(record))
      // Workers of a master that was killed still hold its port.
      await killProcesses(ended)
      const signal = new AbortController().signal
      const untilServing = ended.length > 0 ? spawnInstance(directory, state, { ...instance, processes: ended }, signal) : undefined
      return { name, records, untilServing }
    })
    if (!untilServing) return `${name} already runs (${pidsOf(records)}).`
    await untilServing()
    return `${name} started (${pidsOf(records)}), ready in ${Math.round(performance.now() - startedAtMs)} ms.`
  }

  stop(target: Target): Promise<string> {
    return this.#act(target, async (subject) => {
      const { name, records } = subject
      const pids = pidsOf(records)
      const isRunning = livingProcesses(records).length > 0
      this.#ask(subject, 'stop')
      if (!isRunning) return `${name} was not running.`
      const wasKilled = await stopProcesses(records)
      return wasKilled ? `${name} did not end on ${records[0]!.stopSignal} in time and was killed (${pids}).` : `${name} stopped (${pids}).`
    })
  }

  kill(target: Target): Promise<string> {
    return this.#act(target, async (subject) => {
      const { name, records } = subject
      if (livingProcesses(records).length === 0) {
        throw failed(`Failed to kill ${name}: it does not run (${lifeOf(records[0]!)}).\nStart it with \`npm run lab -- start ${name}\`.`)
      }
      const pids = pidsOf(records)
      this.#ask(subject, 'kill')
      await killProcesses(records)
      return `${name} killed (SIGKILL, ${pids}).`
    })
  }

  pause(target: Target): Promise<string> {
    return this.#act(target, async ({ name, records }) => {
      requireAlive('pause', name, records)
      signalFamily(records, 'SIGSTOP')
      await waitForLife(records, 'paused')
      return `${name} paused (SIGSTOP, ${pidsOf(records)}); it keeps its connections and answers nothing.`
    })
  }

  resume(target: Target): Promise<string> {
    return this.#act(target, async ({ name, records }) => {
      requireAlive('resume', name, records)
      if (records.every((record) => lifeOf(record) === 'running')) return `${name} was not paused.`
      signalFamily(records, 'SIGCONT')
      await waitForLife(records, 'running')
      return `${name} resumed (SIGCONT, ${pidsOf(records)}).`
    })
  }

  #act<T>(target: Target, action: (subject: Subject) => Promise<T>): Promise<T> {
    const directory = this.#directoryOf(target.stage)
    const notRunning = (): Error =>
      failed(
        `Failed to find ${target.stage}/${target.instance}: ${target.stage} does not run.\nStart it with \`npm run lab -- up ${target.stage}\`.`,
      )
    if (!readStageState(directory.stateFile)) return Promise.reject(notRunning())
    return withStageLock(directory.lockFile, async () => {
      const state = readStageState(directory.stateFile)
      if (!state) throw notRunning()
      return action(findSubject(target, directory, state))
    })
  }

  #ask({ directory, state, records }: Subject, asked: 'stop' | 'kill'): void {
    for (const record of records) record.asked = asked
    writeStageState(directory.stateFile, state)
  }
}

function findSubject(target: Target, directory: StageDirectory, state: StageState): Subject {
  const instance = state.instances.find(({ name }) => name === target.instance)
  if (!instance) {
    throw misused(`Failed to find ${target.stage}/${target.instance}: expected one of ${namesIn(state.topology).join(', ')}.`)
  }
  const names = instance.processes.map(({ name }) => name)
  const records = instance.processes.filter(({ name }) => target.process === undefined || name === target.process)
  const name = [target.stage, target.instance, ...(target.process ? [target.process] : [])].join('/')
  if (records.length === 0) throw misused(`Failed to find ${name}: the processes of ${target.instance} are ${names.join(', ')}.`)
  return { name, directory, state, instance, records }
}

function requireAlive(verb: string, name: string, records: readonly ProcessRecord[]): void {
  const ended = records.find((record) => !isAlive(record))
  if (ended) throw failed(`Failed to ${verb} ${name}: it does not run (${lifeOf(ended)}).\nStart it with \`npm run lab -- start ${name}\`.`)
}

function isAlive(record: ProcessRecord): boolean {
  const life = lifeOf(record)
  return life === 'running' || life === 'paused'
}

async function waitForLife(records: readonly ProcessRecord[], life: 'running' | 'paused'): Promise<void> {
  const giveUpAtMs = performance.now() + PAUSE_MS_MAX
  while (!records.every((record) => lifeOf(record) === life) && performance.now() < giveUpAtMs) await sleep(5)
}

function pidsOf(records: readonly ProcessRecord[]): string {
  return `pid ${records.map(({ identity }) => identity?.pid ?? '-').join(', ')}`
}
