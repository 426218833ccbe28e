/**
 * One write, one effect, one deadline: what stands before every write of the primary.
 *
 *   write under a key ─▶ the same write on its way? ─▶ wait for it as well     (another one: idempotency-key-reused)
 *                    └─▶ begin it ─▶ outcome, or at the deadline the truth: never sent, or unknown
 *
 * A write that waits for a standby is never cancelled: cancelling makes PostgreSQL commit it locally and report success
 * with only a warning. At the deadline the client is told that the outcome is unknown, the write goes on, and a repeat
 * under its key joins it here or finds it in the table of keys.
 */
import { hash } from 'node:crypto'
import { Problem } from '@relais/shared/http/problem.ts'
import type { WriteOptions } from '@relais/shared/store/store.ts'
import { writeProblem } from './failure.ts'
import type { Submitted } from './job.ts'

export interface OnceOptions {
  /** Throws when the write cannot be made now; asked before it begins. */
  readonly ensurePossible: () => void
  /** Whether commits wait for standbys: it decides what a missing answer most likely means. */
  readonly isSynchronous: () => boolean
}

interface OnTheirWay {
  readonly fingerprint: string
  readonly write: Submitted<unknown>
}

const UNKNOWN_KEYS_MAX = 10_000

export class Once {
  readonly #options: OnceOptions
  readonly #byKey = new Map<string, OnTheirWay>()
  /** Keys of writes that may have happened: a later refusal under them must not say "certainly not". */
  readonly #unknownKeys = new Set<string>()

  constructor(options: OnceOptions) {
    this.#options = options
  }

  /** Rejects with a `Problem` by `deadlineMs` at the latest. */
  async run<T>({ idempotencyKey: key, deadlineMs }: WriteOptions, fingerprint: string, begin: () => Submitted<T>): Promise<T> {
    try {
      return await this.#within(deadlineMs, this.#joinOrBegin(key, fingerprint, begin))
    } catch (error) {
      const problem = writeProblem(error, key !== undefined)
      if (key === undefined || !(problem instanceof Problem)) throw problem
      if (!problem.definite) this.#remember(key)
      else if (problem.status >= 500 && this.#unknownKeys.has(key)) throw uncertain(problem)
      throw problem
    }
  }

  #joinOrBegin<T>(key: string | undefined, fingerprint: string, begin: () => Submitted<T>): Submitted<T> {
    if (key === undefined) {
      this.#options.ensurePossible()
      return begin()
    }
    const before = this.#byKey.get(key)
    if (before) {
      if (before.fingerprint !== fingerprint) throw keyReused()
      // Two callers wait for it now, so neither may take it back.
      return { outcome: before.write.outcome as Promise<T>, isSent: true, drop: () => {} }
    }
    this.#options.ensurePossible()
    const write = begin()
    this.#byKey.set(key, { fingerprint, write })
    const forget = (): unknown => this.#byKey.delete(key)
    write.outcome.then(forget, forget)
    return write
  }

  #within<T>(deadlineMs: number, write: Submitted<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => (write.isSent ? reject(this.#unanswered()) : write.drop()), Math.max(0, deadlineMs - Date.now()))
      write.outcome.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }

  #unanswered(): Problem {
    if (!this.#options.isSynchronous()) return new Problem('outcome-unknown', { detail: 'PostgreSQL did not answer by the deadline' })
    return new Problem('replication-timeout', {
      detail: 'the standbys that the durability asks for did not confirm the write by the deadline',
    })
  }

  #remember(key: string): void {
    this.#unknownKeys.add(key)
    if (this.#unknownKeys.size > UNKNOWN_KEYS_MAX) this.#unknownKeys.delete(this.#unknownKeys.values().next().value!)
  }
}

/** What makes two writes the same write. */
export function fingerprintOf(type: 'insert' | 'replace' | 'remove', id: number | undefined, message: string): string {
  return hash('sha256', `${type} ${id ?? ''} ${message}`, 'base64url')
}

export function keyReused(): Problem {
  return new Problem('idempotency-key-reused', { detail: 'the key was used for another write' })
}

function uncertain(problem: Problem): Problem {
  const detail = `${problem.message}; an earlier attempt under this key may have happened`
  return new Problem(problem.slug, { detail, definite: false, cause: problem })
}
