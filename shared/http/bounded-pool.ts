/**
 * Connections to the next tier, and the line of the calls that wait for one: first come, first served.
 *
 *   call ─▶ line ─▶ undici's pool, never given more calls than it has connections
 *             └ given up: out of the line, with its body
 *
 * undici has a line of its own, out of which nothing can be taken: while the next tier stood still, calls that nobody waited for any more
 * stayed there with their bodies, counted by no limit, and were met one by one before the first that was still wanted.
 */
import { Pool, type Dispatcher } from 'undici'

export interface PooledCall extends Dispatcher.DispatchHandler {
  readonly request: Dispatcher.DispatchOptions
  /** The pool was closed while this call waited. */
  notSent(cause: Error): void
}

export class BoundedPool {
  readonly #pool: Pool
  readonly #connectionsMax: number
  readonly #waiting = new Set<PooledCall>()
  /** Calls that undici has, begun or not. */
  #handedOn = 0

  constructor(baseUrl: string, connectionsMax: number, options: Pool.Options) {
    this.#pool = new Pool(baseUrl, { ...options, connections: connectionsMax })
    this.#connectionsMax = connectionsMax
  }

  /** Sends the call, now or when its turn has come; `next` is called at its end, or `takeOut` when it is given up while it waits. */
  add(call: PooledCall): void {
    if (this.#handedOn === this.#connectionsMax) {
      this.#waiting.add(call)
      return
    }
    this.#handedOn += 1
    this.#pool.dispatch(call.request, call)
  }

  /** Of the line; what undici has already stays where it is. */
  takeOut(call: PooledCall): void {
    this.#waiting.delete(call)
  }

  /** undici has told the end of a call: its place is the next one's. */
  next(): void {
    const call = this.#waiting.size === 0 ? undefined : this.#waiting.values().next().value
    if (call === undefined) {
      this.#handedOn -= 1
      return
    }
    this.#waiting.delete(call)
    this.#pool.dispatch(call.request, call)
  }

  async close(): Promise<void> {
    for (const call of this.#waiting) call.notSent(new Error('the connections were closed'))
    this.#waiting.clear()
    await this.#pool.destroy()
  }
}
