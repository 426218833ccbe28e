/**
 * A position in the replicated history: how far a node has come.
 *
 *   stage 1: epoch and log sequence number        "2:1042"
 *   stage 2: PostgreSQL's timeline and LSN         "1:0/3000148"
 *
 * The epoch comes first because a history that was cut off (a primary that lost its list, a promoted standby)
 * may have used the same numbers for other records: comparing numbers alone would call the wrong node fresh.
 */

/** `lsn` counts records in stage 1 and bytes of WAL in stage 2; both stay below 2^53. */
export interface Position {
  readonly epoch: number
  readonly lsn: number
}

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.lsn - b.lsn
}

/** Stage 1's form, `EPOCH:LSN`, in decimal. */
export function formatPosition(position: Position): string {
  return `${position.epoch}:${position.lsn}`
}

/** PostgreSQL's form, `TIMELINE:XXXXXXXX/XXXXXXXX`, in hexadecimal as `pg_lsn` prints it. */
export function formatWalPosition(position: Position): string {
  const high = Math.floor(position.lsn / 0x1_0000_0000)
  const low = position.lsn % 0x1_0000_0000
  return `${position.epoch}:${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`
}

/** Reads either form. Returns `undefined` for anything else, or for numbers that are not safe integers. */
export function parsePosition(text: string): Position | undefined {
  const match = /^(\d{1,10}):(?:(\d{1,16})|([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8}))$/.exec(text)
  if (!match) return undefined
  const [, epoch, decimal, high, low] = match
  const lsn = decimal === undefined ? Number.parseInt(high!, 16) * 0x1_0000_0000 + Number.parseInt(low!, 16) : Number(decimal)
  return Number.isSafeInteger(lsn) ? { epoch: Number(epoch), lsn } : undefined
}
