/**
 * What the clients of one repetition wrote, and what they were told: the truth that reads and databases are held against.
 *
 *   begin ─▶ acknowledge(id)      it must be in every database at the end, once
 *         └▶ nothing, or an error  it may be there, once
 *
 * One ledger holds a warm-up and the run behind it. All clients live in one process, so "acknowledged before this read began" is
 * the order in which things happened here and needs no clock.
 */
interface WriteEntry {
  readonly isWarmUp: boolean
  /** `undefined` until it is acknowledged. */
  readonly id: number | undefined
}

/** A place in the order of acknowledgements: what had been acknowledged when it was taken. */
export type LedgerMark = number

export class WriteLedger {
  /** Records up to this id were there before and belong to nobody here; they are not judged. */
  readonly newestIdBefore: number
  readonly #entries = new Map<string, WriteEntry>()
  readonly #messageById = new Map<number, string>()
  /** In the order of acknowledgement, and the highest up to each: ids come nearly in order, so a search backwards ends soon. */
  readonly #ids: number[] = []
  readonly #highest: number[] = []
  #lastAcknowledgedAtMs: number | null = null

  constructor(newestIdBefore = 0) {
    this.newestIdBefore = newestIdBefore
  }

  /** Before it is sent: another client may read it before its own writer has the answer. */
  begin(message: string, isWarmUp = false): void {
    if (this.#entries.has(message)) throw new Error(`the message ${JSON.stringify(message)} was begun twice`)
    this.#entries.set(message, { isWarmUp, id: undefined })
  }

  /** False when the id was given to another write before: an answer that cannot be true. */
  acknowledge(message: string, id: number): boolean {
    const entry = this.#entries.get(message)
    if (!entry || entry.id !== undefined) throw new Error(`the message ${JSON.stringify(message)} cannot be acknowledged now`)
    if (id <= this.newestIdBefore || this.#messageById.has(id)) return false
    this.#entries.set(message, { ...entry, id })
    this.#messageById.set(id, message)
    this.#highest.push(Math.max(id, this.#highest.at(-1) ?? 0))
    this.#ids.push(id)
    this.#lastAcknowledgedAtMs = performance.now()
    return true
  }

  mark(): LedgerMark {
    return this.#ids.length
  }

  /** How many writes acknowledged before the mark have an id from `lowestId` on that is not among those shown. */
  countUnseen(mark: LedgerMark, lowestId: number, shown: ReadonlySet<number>): number {
    let unseen = 0
    for (let index = mark - 1; index >= 0 && this.#highest[index]! >= lowestId; index--) {
      const id = this.#ids[index]!
      if (id >= lowestId && !shown.has(id)) unseen++
    }
    return unseen
  }

  entryOf(message: string): WriteEntry | undefined {
    return this.#entries.get(message)
  }

  messageOf(id: number): string | undefined {
    return this.#messageById.get(id)
  }

  get entries(): ReadonlyMap<string, WriteEntry> {
    return this.#entries
  }

  /** Of `performance.now()`; `null` while nothing was acknowledged. */
  get lastAcknowledgedAtMs(): number | null {
    return this.#lastAcknowledgedAtMs
  }
}
