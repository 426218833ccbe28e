/**
 * Is a page of newest records right, and how fresh is it?
 *
 * Right: the shape, ids that descend, each record written by somebody in this repetition and unchanged, none twice. Fresh: it shows
 * every write that had been acknowledged when the read began, as far down as the page goes. A read without a token may be stale (a
 * replica is behind), so that is counted and not an error; a hole in the middle of a page counts as well, by the same sum.
 */
import { pageShape } from './record-shape.ts'
import type { LedgerMark, WriteLedger } from './write-ledger.ts'

export interface PageFreshness {
  /** Acknowledged writes that it should have shown to be up to date. */
  readonly staleBy: number
}

/** A few words on what is wrong with it, or how fresh it is. */
export function checkPage(json: unknown, ledger: WriteLedger, mark: LedgerMark): string | PageFreshness {
  const page = pageShape.safeParse(json)
  if (!page.success) return 'no page of records'
  const { records, next } = page.data
  const shown = new Set<number>()
  const messages = new Set<string>()
  let previousId = Number.POSITIVE_INFINITY
  for (const { id, message } of records) {
    if (id >= previousId) return 'ids that do not descend'
    previousId = id
    if (id <= ledger.newestIdBefore) continue
    const entry = ledger.entryOf(message)
    if (!entry) return 'a record that nobody wrote'
    if (entry.id !== undefined && entry.id !== id) return 'a record under another id than acknowledged'
    if (messages.has(message)) return 'a record twice'
    const acknowledged = ledger.messageOf(id)
    if (acknowledged !== undefined && acknowledged !== message) return 'another message than acknowledged under this id'
    messages.add(message)
    shown.add(id)
  }
  const lowestId = next === null ? 0 : (records.at(-1)?.id ?? 0)
  return { staleBy: ledger.countUnseen(mark, lowestId, shown) }
}
