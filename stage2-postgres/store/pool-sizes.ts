/**
 * How many connections each pool of a service may hold, from the server's `max_connections`.
 *
 * A connection too many is not a slow one but an error (53300), so the sum stays below what the server has, with room
 * for people and tools. And more connections than processors do not make it faster: they take turns, and cost memory.
 */
import { availableParallelism } from 'node:os'
import type { ServerFacts } from './link.ts'

export interface PoolSizes {
  /** One: batches of inserts are committed one after the other, so that ids ascend with commit order. */
  readonly inserts: 1
  readonly changes: number
  readonly reads: number
  readonly monitor: 1
}

/** Services on one server: the one beside it, and for a moment its successor while it restarts. */
const SERVICES_PER_SERVER = 2
/** psql, pgbench, the lab, a backup. */
const CONNECTIONS_FOR_PEOPLE = 20

export function poolSizes(
  { connectionsMax, connectionsReserved }: Pick<ServerFacts, 'connectionsMax' | 'connectionsReserved'>,
  processors = availableParallelism(),
): PoolSizes {
  const free = connectionsMax - connectionsReserved - CONNECTIONS_FOR_PEOPLE
  const each = Math.max(4, Math.floor(free / SERVICES_PER_SERVER))
  const changes = Math.max(1, Math.min(4, Math.floor(each / 4)))
  const reads = Math.max(1, Math.min(2 * processors, each - changes - 2))
  return { inserts: 1, changes, reads, monitor: 1 }
}
