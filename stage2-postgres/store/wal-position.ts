/** Positions as PostgreSQL prints them, on a timeline that the service knows. */
import { parsePosition, type Position } from '@relais/shared/store/position.ts'

/** `lsn` like "0/3000148". */
export function walPosition(timeline: number, lsn: string): Position {
  return { epoch: timeline, lsn: parseLsn(lsn) }
}

/** In bytes. Throws when `text` is no LSN: what cannot be read must not pass for a position. */
export function parseLsn(text: string): number {
  const position = parsePosition(`1:${text}`)
  if (!position) throw new Error(`Failed to read a WAL location: found "${text}", expected one like 0/3000148.`)
  return position.lsn
}

/**
 * The server's timeline: read whenever a link opens and at each look at the replication, because it changes only when a
 * server was restarted or promoted. It never goes back.
 */
export class Timeline {
  #current = 1

  get current(): number {
    return this.#current
  }

  see(timeline: number): void {
    if (timeline > this.#current) this.#current = timeline
  }
}
