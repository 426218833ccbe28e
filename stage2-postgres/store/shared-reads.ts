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
 */
export class SharedReads<T> {
  readonly #onTheirWay = new Map<string, { next: PromiseWithResolvers<T> | undefined }>()

  /** Settles as `read` does, which begins after this call. Under one `key` there is one kind of read. */
  ask(key: string, read: () => Promise<T>): Promise<T> {
    const before = this.#onTheirWay.get(key)
    if (!before) return this.#begin(key, read)
    before.next ??= Promise.withResolvers()
    return before.next.promise
  }

  async #begin(key: string, read: () => Promise<T>): Promise<T> {
    const turn: { next: PromiseWithResolvers<T> | undefined } = { next: undefined }
    this.#onTheirWay.set(key, turn)
    try {
      const answer = await read()
      this.#onTheirWay.delete(key)
      if (turn.next) this.#begin(key, read).then(turn.next.resolve, turn.next.reject)
      return answer
    } catch (error) {
      this.#onTheirWay.delete(key)
      // They have waited as long as a read may take; a second try would take them past their deadline.
      turn.next?.reject(error)
      throw error
    }
  }
}
