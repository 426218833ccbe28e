/**
 * A snapshot on the wire: cut into parts by the primary, put together again by the replica.
 *
 * Records never change once made (a write makes a new one), so a copy of the list's references is a consistent
 * snapshot however long the sending takes. A replica installs nothing until the last part is there.
 */
import type { Snapshot } from '../store/replicated-list.ts'
import type { SnapshotPart } from './messages.ts'

const RECORDS_PER_PART_MAX = 10_000
const CHARACTERS_PER_PART_MAX = 1024 * 1024

/** One part at least; keys travel with the last. */
export function cutSnapshot({ epoch, lsn, epochs, nextId, records, keys }: Snapshot): SnapshotPart[] {
  const parts: SnapshotPart[] = []
  const head = { kind: 'snapshot' as const, epoch, lsn, epochs: [...epochs], nextId }
  let start = 0
  while (start < records.length) {
    const end = endOfPart(records, start)
    parts.push({ ...head, part: parts.length, isLast: false, records: records.slice(start, end), keys: [] })
    start = end
  }
  for (let first = 0; first < keys.length; first += RECORDS_PER_PART_MAX) {
    parts.push({ ...head, part: parts.length, isLast: false, records: [], keys: keys.slice(first, first + RECORDS_PER_PART_MAX) })
  }
  parts.push({ ...head, part: parts.length, isLast: true, records: [], keys: [] })
  return parts
}

function endOfPart(records: Snapshot['records'], start: number): number {
  let characters = 0
  let end = start
  while (end < records.length && end - start < RECORDS_PER_PART_MAX && (characters < CHARACTERS_PER_PART_MAX || end === start)) {
    characters += records[end]!.message.length
    end++
  }
  return end
}

/** Collects the parts of one snapshot at a time, in order. */
export class SnapshotAssembly {
  #head: SnapshotPart | undefined
  #nextPart = 0
  #records: SnapshotPart['records'] = []
  #keys: SnapshotPart['keys'] = []

  /** The whole snapshot with its last part, `'incomplete'` before, `'unexpected'` when the part does not follow on. */
  add(part: SnapshotPart): Snapshot | 'incomplete' | 'unexpected' {
    if (part.part === 0) this.#begin(part)
    const head = this.#head
    // The part before, again: its answer was lost on the way.
    if (head && isSame(head, part) && part.part === this.#nextPart - 1 && part.part > 0) return 'incomplete'
    if (!head || !isSame(head, part) || part.part !== this.#nextPart) return 'unexpected'
    this.#nextPart++
    for (const record of part.records) this.#records.push(record)
    for (const key of part.keys) this.#keys.push(key)
    if (!part.isLast) return 'incomplete'
    const { epoch, lsn, epochs, nextId } = head
    const whole = { epoch, lsn, epochs, nextId, records: this.#records, keys: this.#keys }
    this.#head = undefined
    this.#records = []
    this.#keys = []
    return whole
  }

  #begin(part: SnapshotPart): void {
    this.#head = part
    this.#nextPart = 0
    this.#records = []
    this.#keys = []
  }
}

function isSame(head: SnapshotPart, part: SnapshotPart): boolean {
  return head.epoch === part.epoch && head.lsn === part.lsn
}
