/**
 * A snapshot on the wire: cut into parts by the primary, put together again by the replica.
 *
 * Records never change once made (a write makes a new one), so a copy of the list's references is a consistent
 * snapshot however long the sending takes. A replica installs nothing until the last part is there.
 */
import type { Snapshot } from '../store/replicated-list.ts'
import type { SnapshotPart } from './messages.ts'

const ITEMS_PER_PART_MAX = 10_000
const CHARACTERS_PER_PART_MAX = 1024 * 1024

/** One part at least; records first, then keys. */
export function cutSnapshot({ epoch, lsn, epochs, nextId, records, keys }: Snapshot): SnapshotPart[] {
  const head = { kind: 'snapshot' as const, epoch, lsn, epochs: [...epochs], nextId, isLast: false }
  const bodies = [...cut(records).map((some) => ({ records: some, keys: [] })), ...cut(keys).map((some) => ({ records: [], keys: some }))]
  const parts = bodies.map((body, part): SnapshotPart => ({ ...head, part, ...body }))
  parts.push({ ...head, part: parts.length, isLast: true, records: [], keys: [] })
  return parts
}

/** Pieces that pass the receiver's body limit, whatever is in their messages. */
function cut<Item extends { readonly message: string | null }>(items: readonly Item[]): Item[][] {
  const pieces: Item[][] = []
  let start = 0
  while (start < items.length) {
    let end = start
    let characters = 0
    while (end < items.length && end - start < ITEMS_PER_PART_MAX && characters < CHARACTERS_PER_PART_MAX) {
      characters += items[end]!.message?.length ?? 0
      end++
    }
    pieces.push(items.slice(start, end))
    start = end
  }
  return pieces
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
    if (head && isSame(head, part) && part.part === this.#nextPart - 1) return 'incomplete'
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
