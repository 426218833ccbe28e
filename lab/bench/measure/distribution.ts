/** Which database answered how many reads and writes: by db-lb's log, or without a load balancer by the database's own count. */
import { nodesOf, type Topology } from '../../topology.ts'
import type { Distribution } from '../results/bench-record.ts'
import type { LoggedRequest } from './access-logs.ts'
import type { CounterLook } from './service-counters.ts'

/** A request counts for the last database that was asked; every database has its row, also one that nobody asked. */
export function distributionFromLog(topology: Topology, lines: readonly LoggedRequest[]): Distribution {
  const [reads, writes] = [emptyRows(topology), emptyRows(topology)]
  const names = new Map(nodesOf(topology, 'db').map(({ name, url }) => [new URL(url).host, name]))
  let moved = 0
  for (const { isRead, tries } of lines) {
    const name = names.get(tries.at(-1)?.address ?? '')
    if (name === undefined) continue
    const rows = isRead ? reads : writes
    rows[name] = (rows[name] ?? 0) + 1
    if (isRead && tries.length > 1) moved++
  }
  return { reads, writes, moved }
}

export function distributionFromCounters(topology: Topology, counted: CounterLook): Distribution {
  const [reads, writes] = [emptyRows(topology), emptyRows(topology)]
  for (const name of Object.keys(reads)) {
    const count = counted.get(name)
    if (!count) continue
    reads[name] = count.reads
    writes[name] = count.writes
  }
  return { reads, writes, moved: 0 }
}

function emptyRows(topology: Topology): Record<string, number> {
  return Object.fromEntries(nodesOf(topology, 'db').map(({ name }) => [name, 0]))
}
