/**
 * Faults that the lab asks of this instance while it runs: an answer held back, replication held back.
 *
 *   npm run lab -- slow stage1/backend2 --delay-ms 50 ─▶ faults/backend2.json ─▶ InjectedFaults ─▶ Service, ReplicaNode
 *
 * They come by a file that the lab names in the environment, and not by a call: a route that makes an instance slow would be one more thing
 * to protect, and whoever may write that file may end the process anyway. Without the variable there is nothing to inject.
 * The file is looked at by its state and not by events, which get lost on some file systems; and not by `fs.watchFile`, which takes
 * its first look some time after the call and never tells of what was written in between.
 */
import { readFileSync, statSync } from 'node:fs'
import { z } from 'zod'
import type { Log } from '../observe/log.ts'

export const DELAY_MS_MAX = 60_000
const LOOK_MS = 100

const delayMs = z.number().int().min(0).max(DELAY_MS_MAX).default(0)
export const faultsSchema = z.strictObject({
  /** How long each request waits before the service works on it; health checks and calls from node to node do not wait. */
  answerDelayMs: delayMs,
  /** How long a replica of stage 1 holds back what the primary sends. */
  replicationDelayMs: delayMs,
})
export type Faults = z.infer<typeof faultsSchema>

const NONE: Faults = { answerDelayMs: 0, replicationDelayMs: 0 }

export class InjectedFaults {
  #faults = NONE
  readonly #file: string | undefined
  readonly #log: Log
  readonly #looks: NodeJS.Timeout | undefined
  #seen: string | undefined

  /** Follows `file` until `close`; `undefined` means that nothing is ever injected. */
  constructor(file: string | undefined, log: Log) {
    this.#file = file
    this.#log = log
    if (file === undefined) return
    this.#look()
    this.#looks = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  get answerDelayMs(): number {
    return this.#faults.answerDelayMs
  }

  get replicationDelayMs(): number {
    return this.#faults.replicationDelayMs
  }

  close(): void {
    clearInterval(this.#looks)
  }

  /** The state is noted before the file is read: what changes in between is seen at the next look. */
  #look(): void {
    const state = stateOf(this.#file!)
    if (state === this.#seen) return
    this.#seen = state
    this.#read()
  }

  /** A file that is missing injects nothing; one that cannot be read as faults changes nothing, and is said. */
  #read(): void {
    try {
      this.#faults = faultsSchema.parse(JSON.parse(readFileSync(this.#file!, 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#faults = NONE
      else return this.#log.warn({ err: error, file: this.#file }, 'this is no file of faults')
    }
    if (this.#faults !== NONE) this.#log.warn(this.#faults, 'faults injected by the lab')
  }
}

/** Changes whenever the file is written anew; a file that cannot be looked at has a state too, and reading it says why. */
function stateOf(file: string): string {
  try {
    const { ino, mtimeNs, size } = statSync(file, { bigint: true })
    return `${ino} ${mtimeNs} ${size}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
