/** Positions as PostgreSQL prints them, on a timeline that the service knows. */
import { parsePosition, type Position } from '@relais/shared/store/position.ts'

/** `lsn` like "0/3000148". */
export function walPosition(timeline: number, lsn: string): Position {
  const position = parsePosition(`${timeline}:${lsn}`)
  if (!position) throw new Error(`expected an LSN, found ${JSON.stringify(lsn)}`)
  return position
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
