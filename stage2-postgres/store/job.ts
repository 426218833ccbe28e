/**
 * One piece of work on its way through a pool, and what is known of it: whether it was sent is what decides, when things
 * go wrong, between "certainly not made" and "unknown".
 */
import { LinkLost, type Link } from './link.ts'

/** Work refused before anything was sent. */
export class NotSent extends Error {
  override readonly name = 'NotSent'
  readonly reason: 'overloaded' | 'unavailable'

  constructor(reason: 'overloaded' | 'unavailable', message: string) {
    super(message)
    this.reason = reason
  }
}

/** Work that was handed in, and what is known of it. */
export interface Submitted<T> {
  /** Rejects with `NotSent`, with `LinkLost` (unknown outcome), or with the work's own error. */
  readonly outcome: Promise<T>
  /** False as long as nothing of it can have reached the server. */
  readonly isSent: boolean
  /** Takes it back if it was not sent; its outcome is then `NotSent`. */
  drop(): void
}

/** A job as the pool sees it, whatever it is about. */
export interface Work {
  readonly isDropped: boolean
  send(link: Link): Promise<void>
  refuse(reason: NotSent['reason'], message: string): void
}

export class Job<T> implements Submitted<T>, Work {
  readonly outcome: Promise<T>
  isSent = false
  isDropped = false
  onSettled: (() => void) | undefined
  readonly #work: (link: Link) => Promise<T>
  #resolve!: (value: T) => void
  #reject!: (error: unknown) => void

  constructor(work: (link: Link) => Promise<T>) {
    this.#work = work
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  async send(link: Link): Promise<void> {
    this.isSent = true
    try {
      this.#resolve(await this.#work(link))
    } catch (error) {
      this.#reject(error)
    }
    this.onSettled?.()
  }

  refuse(reason: 'overloaded' | 'unavailable', message: string): void {
    this.isDropped = true
    this.#reject(new NotSent(reason, message))
    this.onSettled?.()
  }

  drop(): void {
    if (!this.isSent) this.refuse('overloaded', 'it was taken back before its turn')
  }

  expire(timeoutMs: number): void {
    if (this.isSent) this.#reject(new LinkLost(`no answer within ${timeoutMs} ms`))
    else this.refuse('overloaded', `no turn within ${timeoutMs} ms`)
  }
}
