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
import type { NodeCallBody } from './node-call.ts'

export interface WrittenBatch {
  readonly message: BatchMessage
  /** `message` as JSON. */
  readonly body: NodeCallBody
}

interface WrittenEntries {
  readonly rows: BatchMessage['entries']
  /** `rows` as JSON. Bytes, as they are signed and sent for each replica: a string would be encoded each time. */
  readonly bytes: Buffer
}

const ENTRIES_MAX = 5_000
const CHARACTERS_MAX = 1024 * 1024
const BATCHES_KEPT = 8
const NO_ENTRIES: WrittenEntries = { rows: [], bytes: Buffer.from('[]') }
const END = Buffer.from('}')

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

  #batch(previous: BatchMessage['previous'], { rows, bytes }: WrittenEntries): WrittenBatch {
    const { log, position } = this.#list
    const head = { kind: 'batch', epoch: position.epoch, previous, headLsn: log.lsn } as const
    const begin = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"entries":`)
    return { message: { ...head, entries: rows }, body: Buffer.concat([begin, bytes, END]) }
  }

  #writeAfter(lsn: number): WrittenEntries | undefined {
    const entries = this.#list.log.entriesAfter(lsn, this.#entriesMax, CHARACTERS_MAX)
    if (!entries || entries.length === 0) return entries && NO_ENTRIES
    const rows = entries.map(toRow)
    const written = { rows, bytes: Buffer.from(JSON.stringify(rows)) }
    this.#kept.set(lsn, written)
    if (this.#kept.size > BATCHES_KEPT) {
      const oldest = this.#kept.keys().next()
      if (!oldest.done) this.#kept.delete(oldest.value)
    }
    return written
  }
}
