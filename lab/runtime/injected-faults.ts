/**
 * The lab's end of injected faults: writes the file that an instance follows, and waits until the instance says that it has it.
 *
 *   slow, lag ─▶ .relais/stage1/faults/db2.json ─▶ shared/http/injected-faults.ts ─▶ /metrics says what is in force
 *
 * Without the wait the next command of a lesson would still meet the instance as it was.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { faultsSchema, type Faults } from '@relais/shared/http/injected-faults.ts'
import { failed } from '../failure.ts'
import { askOnce } from './ask-once.ts'
import type { StageDirectory } from './stage-directory.ts'

const TAKEN_MS_MAX = 5_000
const POLL_MS = 25
/** In seconds, as Prometheus counts time. */
const METRIC: Record<keyof Faults, string> = {
  answerDelayMs: 'relais_fault_answer_delay_seconds',
  replicationDelayMs: 'relais_fault_replication_delay_seconds',
}

/** What the instance is asked to do badly; nothing when nobody asked. */
export function readFaults(directory: StageDirectory, instance: string): Faults {
  try {
    return faultsSchema.parse(JSON.parse(readFileSync(directory.faultsFile(instance), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return faultsSchema.parse({})
    throw error
  }
}

/** Asks for one fault more or less; resolves when the instance at `url` has it in force. */
export async function injectFault(
  directory: StageDirectory,
  { name, url }: { readonly name: string; readonly url: string },
  fault: keyof Faults,
  delayMs: number,
): Promise<void> {
  const file = directory.faultsFile(name)
  mkdirSync(path.dirname(file), { recursive: true })
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify({ ...readFaults(directory, name), [fault]: delayMs })}\n`)
  renameSync(partial, file)
  const giveUpAtMs = performance.now() + TAKEN_MS_MAX
  while ((await metricOf(url, METRIC[fault])) !== delayMs / 1000) {
    if (performance.now() > giveUpAtMs)
      throw failed(
        `Failed to inject the fault into ${directory.stage}/${name}: the instance did not take it up within ${TAKEN_MS_MAX / 1000} s.\n` +
          'Is it running, and not paused? See `npm run lab -- status`.',
      )
    await sleep(POLL_MS)
  }
}

/** One value of a service's metrics; `undefined` when it does not answer, or has none of that name. */
export async function metricOf(url: string, metric: string): Promise<number | undefined> {
  try {
    const { text } = await askOnce(`${url}/metrics`, 1_000)
    const value = new RegExp(`^${metric}(?:\\{.*\\})? (\\d+(?:\\.\\d+)?)$`, 'm').exec(text)?.[1]
    return value === undefined ? undefined : Number(value)
  } catch {
    return undefined
  }
}
