/**
 * Reads that are asked together are answered together: while a read is on its way, everyone who asks the same waits for
 * the next one, and they all share it.
 *
 *   ask ─▶ on its way ─────────────────▶ answer
 *            ask ─┐
 *            ask ─┴─▶ one read, begun here ─▶ both answers
 *
 * Nobody gets the answer of a read that began before they asked, so nothing grows stale by it. It is the insert lane's
 * idea for the one page that everybody wants, the newest; reads of different things never wait for each other.
 *
 * Who waited has less time left than a read may take. The shared read goes on for the last of those who wait for it; each
 * of them leaves at its own deadline.
 */
import { Problem } from '@relais/shared/http/problem.ts'
import { withinMs } from '@relais/shared/resilience/deadline.ts'

interface Next<T> extends PromiseWithResolvers<T> {
  /** The latest of those who wait for it. */
  deadlineMs: number
}

/** `deadlineMs` is a point in time, of `Date.now()`. */
type Read<T> = (deadlineMs: number) => Promise<T>

export class SharedReads<T> {
  readonly #onTheirWay = new Map<string, { next: Next<T> | undefined }>()

  /** Settles as `read` does, which begins after this call, and by `deadlineMs`. Under one `key` there is one kind of read. */
  ask(key: string, deadlineMs: number, read: Read<T>): Promise<T> {
    const before = this.#onTheirWay.get(key)
    if (!before) return this.#begin(key, deadlineMs, read)
    before.next ??= { deadlineMs, ...Promise.withResolvers<T>() }
    before.next.deadlineMs = Math.max(before.next.deadlineMs, deadlineMs)
    return withinMs(before.next.promise, deadlineMs - Date.now(), late)
  }

  async #begin(key: string, deadlineMs: number, read: Read<T>): Promise<T> {
    const turn: { next: Next<T> | undefined } = { next: undefined }
    this.#onTheirWay.set(key, turn)
    try {
      const answer = await read(deadlineMs)
      this.#onTheirWay.delete(key)
      if (turn.next) this.#begin(key, turn.next.deadlineMs, read).then(turn.next.resolve, turn.next.reject)
      return answer
    } catch (error) {
      this.#onTheirWay.delete(key)
      // The next read would fail as well, more likely than not; told now, they have time to be served by another node.
      turn.next?.reject(error)
      throw error
    }
  }
}

function late(): never {
  throw new Problem('store-unavailable', { detail: 'the read was not answered by its deadline' })
}
