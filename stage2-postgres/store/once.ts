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
  /** Callers whose deadline has not passed. Only the last of them may take the write back. */
  waiting: number
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

  #joinOrBegin(key: string | undefined, fingerprint: string, begin: () => Submitted<unknown>): OnTheirWay {
    if (key === undefined) {
      this.#options.ensurePossible()
      return { fingerprint, write: begin(), waiting: 0 }
    }
    const before = this.#byKey.get(key)
    if (before) {
      if (before.fingerprint !== fingerprint) throw keyReused()
      return before
    }
    this.#options.ensurePossible()
    const begun: OnTheirWay = { fingerprint, write: begin(), waiting: 0 }
    this.#byKey.set(key, begun)
    const forget = (): unknown => this.#byKey.delete(key)
    begun.write.outcome.then(forget, forget)
    return begun
  }

  #within<T>(deadlineMs: number, joined: OnTheirWay): Promise<T> {
    const write = joined.write as Submitted<T>
    joined.waiting++
    const leave = (reject: (problem: Problem) => void): void => {
      joined.waiting--
      // While others wait it may still be sent.
      if (write.isSent || joined.waiting > 0) reject(this.#unanswered())
      else write.drop()
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(leave, Math.max(0, deadlineMs - Date.now()), reject)
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
