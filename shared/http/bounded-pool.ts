/**
 * Connections to the next tier, and the line of the calls that wait for one: first come, first served.
 *
 *   call ─▶ line ─▶ undici's pool, never given more calls than it has connections
 *             └ given up: out of the line, with its body
 *
 * undici has a line of its own, out of which nothing can be taken: while the next tier stood still, calls that nobody waited for any more
 * stayed there with their bodies, counted by no limit, and were met one by one before the first that was still wanted.
 *
 * The line is a linked list: with a Set, a call among a thousand that wait took a fifth more of a processor, most of it to collect the
 * tables that the Set grew out of.
 */
import { Pool, type Dispatcher } from 'undici'

export interface PooledCall extends Dispatcher.DispatchHandler {
  readonly request: Dispatcher.DispatchOptions
  /** Its neighbours in the line, set by the pool alone. */
  ahead: PooledCall | undefined
  behind: PooledCall | undefined
  /** The pool was closed while this call waited. */
  notSent(cause: Error): void
}

export class BoundedPool {
  readonly #pool: Pool
  readonly #connectionsMax: number
  #first: PooledCall | undefined
  #last: PooledCall | undefined
  /** Calls that undici has, begun or not. */
  #handedOn = 0

  constructor(baseUrl: string, connectionsMax: number, options: Pool.Options) {
    this.#pool = new Pool(baseUrl, { ...options, connections: connectionsMax })
    this.#connectionsMax = connectionsMax
  }

  /** Sends the call, now or when its turn has come; `next` is called at its end, or `takeOut` when it is given up while it waits. */
  add(call: PooledCall): void {
    if (this.#handedOn < this.#connectionsMax) {
      this.#handedOn += 1
      this.#pool.dispatch(call.request, call)
      return
    }
    call.ahead = this.#last
    if (this.#last) this.#last.behind = call
    else this.#first = call
    this.#last = call
  }

  /** Of the line; what undici has already stays where it is. */
  takeOut(call: PooledCall): void {
    const { ahead, behind } = call
    if (ahead === undefined && call !== this.#first) return
    if (ahead) ahead.behind = behind
    else this.#first = behind
    if (behind) behind.ahead = ahead
    else this.#last = ahead
    // Otherwise a call that is over would keep those that came after it in memory.
    call.ahead = undefined
    call.behind = undefined
  }

  /** undici has told the end of a call: its place is the next one's. */
  next(): void {
    const call = this.#first
    if (call === undefined) {
      this.#handedOn -= 1
      return
    }
    this.takeOut(call)
    this.#pool.dispatch(call.request, call)
  }

  async close(): Promise<void> {
    for (let call = this.#first; call !== undefined; call = this.#first) {
      this.takeOut(call)
      call.notSent(new Error('the connections were closed'))
    }
    await this.#pool.destroy()
  }
}
