/**
 * The batches that replicas are about to need, their entries written out once for all of them.
 *
 *   db2 ─▶ after 90 ─▶ [91 … 140] ◀─ after 90 ◀─ db3
 *
 * Replicas run side by side, so what one was just sent the other gets a moment later. A batch starts where an earlier one
 * ended, which is what makes two replicas' batches the same ones; a few are kept, since neither is always first. Where the
 * primary's log ends is written anew each time: from an old end a replica that restarted would take itself to be level
 * (found by log-protocol.test.ts).
 */
import type { ReplicatedList } from '../store/replicated-list.ts'
import { toRow, type BatchMessage } from './messages.ts'

export interface WrittenBatch {
  /** The last entry's position; without entries, the position that they would follow. */
  readonly endLsn: number
  /** Where the log ends as the batch says it. */
  readonly headLsn: number
  /** Together a `BatchMessage` as JSON; in parts, since joining them would copy the entries for each replica. */
  readonly body: readonly string[]
}

/** As JSON only: the rows themselves, kept as long as a few batches, would be old when they are dropped, and dear to collect. */
interface WrittenEntries {
  readonly amount: number
  readonly json: string
}

const ENTRIES_MAX = 5_000
const CHARACTERS_MAX = 1024 * 1024
const BATCHES_KEPT = 4
const NO_ENTRIES: WrittenEntries = { amount: 0, json: '[]' }

export class BatchCache {
  readonly #list: ReplicatedList
  readonly #entriesMax: number
  /** By the position right before their first entry, oldest first. */
  readonly #kept = new Map<number, WrittenEntries>()

  /** `entriesMax` is what tests change: in short batches a replica is seen on its way. */
  constructor(list: ReplicatedList, entriesMax = ENTRIES_MAX) {
    this.#list = list
    this.#entriesMax = entriesMax
  }

  /** The batch that follows position `lsn`; `undefined` when the log no longer keeps what follows. */
  after(lsn: number): WrittenBatch | undefined {
    const entries = this.#kept.get(lsn) ?? this.#writeAfter(lsn)
    return entries && this.#batch({ epoch: this.#list.log.epochAt(lsn) ?? 0, lsn }, entries)
  }

  /** Asks a replica where it is: nothing but the primary's last position. */
  probe(): WrittenBatch {
    return this.#batch(this.#list.last, NO_ENTRIES)
  }

  #batch(previous: BatchMessage['previous'], { amount, json }: WrittenEntries): WrittenBatch {
    const { log, position } = this.#list
    const head = { kind: 'batch', epoch: position.epoch, previous, headLsn: log.lsn } satisfies Omit<BatchMessage, 'entries'>
    return { endLsn: previous.lsn + amount, headLsn: log.lsn, body: [`${JSON.stringify(head).slice(0, -1)},"entries":`, json, '}'] }
  }

  #writeAfter(lsn: number): WrittenEntries | undefined {
    const entries = this.#list.log.entriesAfter(lsn, this.#entriesMax, CHARACTERS_MAX)
    if (!entries || entries.length === 0) return entries && NO_ENTRIES
    const written = { amount: entries.length, json: JSON.stringify(entries.map(toRow)) }
    this.#kept.set(lsn, written)
    if (this.#kept.size > BATCHES_KEPT) {
      const oldest = this.#kept.keys().next()
      if (!oldest.done) this.#kept.delete(oldest.value)
    }
    return written
  }
}
