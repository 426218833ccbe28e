/**
 * The batches that replicas are about to need, written out once for all of them.
 *
 *   db2 ─▶ after 90 ─▶ [91 … 140] ◀─ after 90 ◀─ db3
 *
 * Replicas run side by side, so what one was just sent the other gets a moment later. A batch starts where an earlier one
 * ended, which is what makes two replicas' batches the same ones; a few are kept, since neither is always first.
 */
import type { ReplicatedList } from '../store/replicated-list.ts'
import { toRow, type BatchMessage } from './messages.ts'

export interface WrittenBatch {
  readonly message: BatchMessage
  /** `message` as JSON. */
  readonly body: string
}

const ENTRIES_MAX = 5_000
const CHARACTERS_MAX = 1024 * 1024
const BATCHES_KEPT = 8

export class BatchCache {
  readonly #list: ReplicatedList
  /** By the position right before their first entry, oldest first. */
  readonly #batches = new Map<number, WrittenBatch>()

  constructor(list: ReplicatedList) {
    this.#list = list
  }

  /** The batch that follows position `lsn`; `undefined` when the log no longer keeps what follows. */
  after(lsn: number): WrittenBatch | undefined {
    const known = this.#batches.get(lsn)
    if (known) return known
    const { log, position } = this.#list
    const entries = log.entriesAfter(lsn, ENTRIES_MAX, CHARACTERS_MAX)
    if (!entries) return undefined
    const previous = { epoch: log.epochAt(lsn) ?? 0, lsn }
    const batch = write({ kind: 'batch', epoch: position.epoch, previous, entries: entries.map(toRow), headLsn: log.lsn })
    if (entries.length > 0) this.#keep(lsn, batch)
    return batch
  }

  /** Asks a replica where it is: nothing but the primary's last position. */
  probe(): WrittenBatch {
    const { last, log, position } = this.#list
    return write({ kind: 'batch', epoch: position.epoch, previous: last, entries: [], headLsn: log.lsn })
  }

  #keep(lsn: number, batch: WrittenBatch): void {
    this.#batches.set(lsn, batch)
    if (this.#batches.size <= BATCHES_KEPT) return
    const oldest = this.#batches.keys().next()
    if (!oldest.done) this.#batches.delete(oldest.value)
  }
}

function write(message: BatchMessage): WrittenBatch {
  return { message, body: JSON.stringify(message) }
}
