/**
 * The history: which epoch wrote which positions, and the newest entries themselves.
 *
 *   epochs    1: from 1        2: from 91                 (the primary lost its list at 90 and recovered it)
 *   lsn       1 … 90 │ 91 … 1042
 *   entries            └ kept: the last ENTRIES_KEPT, or as many as have CHARACTERS_KEPT; older positions are brought by snapshot
 *
 * Two nodes hold the same history up to a position exactly when both wrote it in the same epoch (Raft's log matching
 * property); that is why a position without its epoch proves nothing.
 * Source: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, section 5.3.
 */
import type { LogEntry } from './operation.ts'

export interface EpochStart {
  readonly epoch: number
  /** The first position that this epoch wrote. */
  readonly fromLsn: number
}

const ENTRIES_KEPT = 100_000
/** UTF-16 units of messages: 64 MiB at most, and twice as much just before the older half is forgotten. */
const CHARACTERS_KEPT = 32 * 1024 * 1024

interface Kept {
  readonly entries?: number | undefined
  readonly characters?: number | undefined
}

export class Log {
  readonly #entriesKept: number
  readonly #charactersKept: number
  #epochs: EpochStart[]
  /** Consecutive; `#entries[0]` has position `#firstLsn`. */
  #entries: LogEntry[] = []
  #characters = 0
  #firstLsn: number
  #lsn: number

  /** A log that begins after `lsn`, with no entries kept. */
  constructor(epochs: readonly EpochStart[] = [], lsn = 0, { entries = ENTRIES_KEPT, characters = CHARACTERS_KEPT }: Kept = {}) {
    this.#epochs = [...epochs]
    this.#lsn = lsn
    this.#firstLsn = lsn + 1
    this.#entriesKept = entries
    this.#charactersKept = characters
  }

  /** The last position written. */
  get lsn(): number {
    return this.#lsn
  }

  get epochs(): readonly EpochStart[] {
    return this.#epochs
  }

  /** What comes after this position is kept; what lies before it, only as epochs. */
  get keptAfterLsn(): number {
    return this.#firstLsn - 1
  }

  append(entry: LogEntry): void {
    if (entry.lsn !== this.#lsn + 1) throw new Error(`log: expected position ${this.#lsn + 1}, got ${entry.lsn}`)
    if (this.epochAt(this.#lsn) !== entry.epoch) this.#epochs.push({ epoch: entry.epoch, fromLsn: entry.lsn })
    this.#entries.push(entry)
    this.#lsn = entry.lsn
    this.#characters += charactersOf(entry)
    if (this.#entries.length >= 2 * this.#entriesKept || this.#characters >= 2 * this.#charactersKept) this.#forget()
  }

  /** The epoch that wrote `lsn`; 0 for position 0, `undefined` for a position not yet written. */
  epochAt(lsn: number): number | undefined {
    if (lsn === 0) return 0
    if (lsn > this.#lsn) return undefined
    return this.#epochs.findLast(({ fromLsn }) => fromLsn <= lsn)?.epoch
  }

  /** Up to `entriesMax` entries after `lsn`, fewer where their messages exceed `charactersMax`; `undefined` when they are no longer kept. */
  entriesAfter(lsn: number, entriesMax: number, charactersMax: number): LogEntry[] | undefined {
    if (lsn + 1 < this.#firstLsn) return undefined
    const start = lsn + 1 - this.#firstLsn
    const end = Math.min(this.#entries.length, start + entriesMax)
    let characters = 0
    let index = start
    while (index < end && (characters < charactersMax || index === start)) {
      characters += charactersOf(this.#entries[index]!)
      index++
    }
    return this.#entries.slice(start, index)
  }

  /** Whatever is still kept of the entries after `lsn`. */
  entriesKeptAfter(lsn: number): LogEntry[] {
    return this.#entries.slice(Math.max(0, lsn + 1 - this.#firstLsn))
  }

  /** The last position that this log and one with `epochs` up to `lsn` have in common. */
  lastCommonLsn(epochs: readonly EpochStart[], lsn: number): number {
    let common = 0
    for (const [index, { epoch, fromLsn }] of this.#epochs.entries()) {
      const theirs = epochs.find((other) => other.epoch === epoch && other.fromLsn === fromLsn)
      if (!theirs) break
      const ourEnd = (this.#epochs[index + 1]?.fromLsn ?? this.#lsn + 1) - 1
      const theirNext = epochs[epochs.indexOf(theirs) + 1]
      common = Math.min(ourEnd, (theirNext?.fromLsn ?? lsn + 1) - 1)
    }
    return common
  }

  #forget(): void {
    let dropped = 0
    while (this.#entries.length - dropped > this.#entriesKept || this.#characters > this.#charactersKept)
      this.#characters -= charactersOf(this.#entries[dropped++]!)
    this.#entries = this.#entries.slice(dropped)
    this.#firstLsn += dropped
  }
}

function charactersOf({ operation }: LogEntry): number {
  return operation.type === 'remove' ? 0 : operation.message.length
}
