/**
 * What the store needs from a replication mechanism on the primary; `log-shipping.ts` and `fan-out.ts` are the two.
 *
 *   write ─▶ ensurePossible ─▶ list.commit ─▶ committed ─▶ durable ─▶ 201
 *              └ 503, definite                     └ sends        └ 504, unknown
 */
import type { Mechanism, ReplicaStatus } from '@relais/shared/store/store.ts'
import type { LogEntry } from '../store/operation.ts'

export interface Replication {
  readonly mechanism: Mechanism
  /** Throws `not-enough-replicas` when the durability asked for is certain to fail: better before the write than after. */
  ensurePossible(): void
  /** Called once for each entry, in order, right after it was committed. */
  committed(entry: LogEntry): void
  /** Resolves when `lsn` is as durable as asked for; rejects with `replication-timeout` at `deadlineMs` (a point in time). */
  durable(lsn: number, deadlineMs: number): Promise<void>
  status(): ReplicaStatus[]
  /** Calls to replicas that failed; each is tried again, or given up. */
  readonly failedAttempts: number
  details(): Record<string, unknown>
  /** Resolves when reachable replicas have what is still to be sent, as far as the mechanism sees to it. */
  close(): void | Promise<void>
}
