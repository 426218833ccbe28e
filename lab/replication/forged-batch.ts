/**
 * A batch as the primary of stage 1 would send it, with one thing at most that is wrong on purpose.
 *
 * Its entries are always the primary's own. An invented entry would be taken for the truth: the replica would hold, under a number of this
 * epoch, what no primary wrote, and nothing could tell the two apart. So the lab can repeat, skip, damage and come from the past, and not lie.
 */
import type { BatchMessage, EntryRow, LogPage } from '@relais/stage1-memory/replication/messages.ts'

export interface Forgery {
  /** In the name of this epoch; the primary's own if left out. */
  readonly epoch?: number
  /** One bit of the first entry's checksum is turned round. */
  readonly damaged: boolean
}

/** What follows `after` in the primary's log, of which `page` was read from there. */
export function batchAfter(after: number, page: LogPage, { epoch, damaged }: Forgery): BatchMessage {
  const [first, ...rest] = page.entries
  const entries = damaged && first ? [withOneBitTurned(first), ...rest] : page.entries
  const previous = { epoch: epochAt(page, after), lsn: after }
  return { kind: 'batch', epoch: epoch ?? page.position.epoch, previous, entries, headLsn: page.last.lsn }
}

/** Who wrote a position; of one that does not exist yet, who would. */
function epochAt({ epochs, position }: LogPage, lsn: number): number {
  if (lsn === 0) return 0
  if (lsn > position.lsn) return position.epoch
  return epochs.findLast(({ fromLsn }) => fromLsn <= lsn)?.epoch ?? 0
}

function withOneBitTurned([epoch, lsn, id, crc, ...operation]: EntryRow): EntryRow {
  return [epoch, lsn, id, (crc ^ 1) >>> 0, ...operation]
}
