/**
 * A fan-out replica's state: whatever arrives is appended, in the order and as often as it arrives.
 *
 * That is the report's replica (section 4.3.3), with its loss, reordering and repetition. The one thing it adds is a
 * watermark: up to which of the primary's positions everything is there and shows. After a loss the watermark stands still for good,
 * so a session token beyond it sends the read to the primary instead of answering with a hole.
 *
 *   insert             may come before its turn: it shows whatever comes in between
 *   replace, remove    counts only in its turn: before it, the record may be missing, or be overwritten by an older write
 *   a late repeat      may have undone a newer write: nothing is certain any more
 *   an insert again    leaves two copies, and what follows would change only one of them: the same
 *   a new epoch        its ids are those of records of the old one, as long as there are any: the same
 */
import type { Position } from '@relais/shared/store/position.ts'
import type { LogEntry } from './operation.ts'
import { RecordList } from './record-list.ts'

const PENDING_MAX = 10_000

export class ArrivalList {
  readonly records = new RecordList()
  #epoch = 0
  #watermark = 0
  /** Positions that arrived above the watermark. */
  #pending = new Set<number>()
  #arrivals = 0
  #lastLsn = 0
  #isUncertain = false

  get position(): Position {
    return { epoch: this.#epoch, lsn: this.#isUncertain ? 0 : this.#watermark }
  }

  /** Entries that came in, repeats included. */
  get arrivals(): number {
    return this.#arrivals
  }

  append({ epoch, lsn, id, operation }: LogEntry): void {
    this.#arrivals++
    if (epoch !== this.#epoch) this.#begin(epoch)
    if (operation.type === 'insert') {
      const { message, origin, atMs } = operation
      this.records.append({ id, message, origin, createdAtMs: atMs, updatedAtMs: atMs })
    } else if (operation.type === 'remove') {
      this.records.remove(id)
    } else {
      const before = this.records.get(id)
      if (before) this.records.replace({ ...before, message: operation.message, updatedAtMs: operation.atMs })
    }
    this.#mark(lsn, operation.type === 'insert')
  }

  /** Ids begin anew with an epoch, so a record of an older one that is left is one copy too many. */
  #begin(epoch: number): void {
    this.#epoch = epoch
    this.#watermark = 0
    this.#lastLsn = 0
    this.#isUncertain = this.records.size > 0
    this.#pending.clear()
  }

  #mark(lsn: number, isInsert: boolean): void {
    const isRepeat = lsn <= this.#watermark || this.#pending.has(lsn)
    if (isRepeat && (isInsert || lsn !== this.#lastLsn)) this.#isUncertain = true
    this.#lastLsn = lsn
    const counts = lsn === this.#watermark + 1 || (isInsert && lsn > this.#watermark)
    if (counts && this.#pending.size < PENDING_MAX) this.#pending.add(lsn)
    while (this.#pending.delete(this.#watermark + 1)) this.#watermark++
  }
}
