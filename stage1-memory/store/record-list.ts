/**
 * The list that plays the database: records in the order in which they came, read newest first by keyset.
 *
 *   [ 1 ][ 2 ][ × ][ 4 ][ 5 ]      page(limit 2, before 5) → 4, 2 · next 2
 *
 * Ids ascend, so any place in the list is found by halving and a page costs the same at a thousand records and at a
 * million; paging by offset would walk the list. A removed record leaves a tombstone, as taking it out would move all
 * that follow; tombstones are swept out when they are half of the list, and when nothing else is left.
 *
 * A fan-out replica appends what arrives, in whatever order and however often it arrives. Its list is then no longer
 * ordered, and reading it falls back to walking: that is the report's design, and it is kept so that it can be seen.
 */
import type { Page, PageQuery, StoredRecord } from '@relais/shared/store/store.ts'

interface Tombstone {
  readonly id: number
  readonly removed: true
}
type Slot = StoredRecord | Tombstone

const SWEEP_AT_LEAST = 1_024

export class RecordList {
  #slots: Slot[] = []
  #tombstones = 0
  #characters = 0
  #isOrdered = true

  static of(records: readonly StoredRecord[]): RecordList {
    const list = new RecordList()
    for (const record of records) list.append(record)
    return list
  }

  /** Records that are there; removed ones do not count. */
  get size(): number {
    return this.#slots.length - this.#tombstones
  }

  /** UTF-16 units of all messages. */
  get characters(): number {
    return this.#characters
  }

  append(record: StoredRecord): void {
    this.#characters += record.message.length
    const last = this.#slots.at(-1)
    if (last && last.id >= record.id) this.#isOrdered = false
    this.#slots.push(record)
  }

  get(id: number): StoredRecord | undefined {
    const slot = this.#slots[this.#indexOf(id)]
    return slot && isRecord(slot) ? slot : undefined
  }

  /** False when there is no record with this id. */
  replace(record: StoredRecord): boolean {
    const index = this.#indexOf(record.id)
    if (index === -1) return false
    this.#characters += record.message.length - messageLength(this.#slots[index]!)
    this.#slots[index] = record
    return true
  }

  /** False when there is no record with this id. */
  remove(id: number): boolean {
    const index = this.#indexOf(id)
    if (index === -1) return false
    this.#characters -= messageLength(this.#slots[index]!)
    this.#slots[index] = { id, removed: true }
    this.#tombstones++
    if (this.size === 0 || (this.#tombstones >= SWEEP_AT_LEAST && this.#tombstones * 2 > this.#slots.length)) this.#sweep()
    return true
  }

  page({ limit, before = Infinity }: PageQuery): Page {
    const records: StoredRecord[] = []
    let index = this.#isOrdered ? this.#firstAtOrAfter(before) - 1 : this.#slots.length - 1
    for (; index >= 0; index--) {
      const slot = this.#slots[index]!
      if (!isRecord(slot) || slot.id >= before) continue
      if (records.length === limit) return { records, next: records.at(-1)!.id }
      records.push(slot)
    }
    return { records, next: null }
  }

  /** All records in list order; the records themselves never change, so this is a consistent copy. */
  toArray(): StoredRecord[] {
    return this.#slots.filter(isRecord)
  }

  /** The place of the record with this id, or -1 when there is none. */
  #indexOf(id: number): number {
    if (!this.#isOrdered) return this.#slots.findLastIndex((slot) => slot.id === id && isRecord(slot))
    const index = this.#firstAtOrAfter(id)
    const slot = this.#slots[index]
    return slot && slot.id === id && isRecord(slot) ? index : -1
  }

  #firstAtOrAfter(id: number): number {
    // A record that is about to be appended is looked for as well: halving would touch memory all over the list for each.
    const last = this.#slots.at(-1)
    if (!last || last.id < id) return this.#slots.length
    let low = 0
    let high = this.#slots.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#slots[middle]!.id < id) low = middle + 1
      else high = middle
    }
    return low
  }

  #sweep(): void {
    this.#slots = this.#slots.filter(isRecord)
    this.#tombstones = 0
  }
}

function messageLength(slot: Slot): number {
  return isRecord(slot) ? slot.message.length : 0
}

function isRecord(slot: Slot): slot is StoredRecord {
  return !('removed' in slot)
}
