/**
 * A fan-out replica's state: whatever arrives is appended, in the order and as often as it arrives.
 *
 * That is the report's replica (section 4.3.3), with its loss, reordering and repetition. The one thing it adds is a
 * watermark: up to which of the primary's positions nothing is missing. After a loss the watermark stands still for good,
 * so a session token beyond it sends the read to the primary instead of answering with a hole.
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

  get position(): Position {
    return { epoch: this.#epoch, lsn: this.#watermark }
  }

  /** Entries that came in, repeats included. */
  get arrivals(): number {
    return this.#arrivals
  }

  append({ epoch, lsn, id, operation }: LogEntry): void {
    this.#arrivals++
    if (operation.type === 'insert') {
      const { message, origin, atMs } = operation
      this.records.append({ id, message, origin, createdAtMs: atMs, updatedAtMs: atMs })
    } else if (operation.type === 'remove') {
      this.records.remove(id)
    } else {
      const before = this.records.get(id)
      if (before) this.records.replace({ ...before, message: operation.message, updatedAtMs: operation.atMs })
    }
    this.#mark(epoch, lsn)
  }

  #mark(epoch: number, lsn: number): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      this.#watermark = 0
      this.#pending.clear()
    }
    if (lsn > this.#watermark && this.#pending.size < PENDING_MAX) this.#pending.add(lsn)
    while (this.#pending.delete(this.#watermark + 1)) this.#watermark++
  }
}
