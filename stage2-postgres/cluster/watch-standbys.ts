/**
 * Rebuilds a standby that lost its slot while it was running, or frozen. `prepareServer` sees to one that is started;
 * this sees to one that nobody restarts, and that would ask for dropped WAL for ever.
 */
import { primaryOf, standbysOf, type Cluster, type ClusterNode, type OnProgress } from './cluster.ts'
import { loginAs } from './login.ts'

export interface StandbyWatch {
  readonly cluster: Cluster
  /** Stops the standby's server and starts it again by way of `prepareServer`, which rebuilds it. */
  readonly restart: (standby: ClusterNode) => Promise<void>
  readonly onProgress?: OnProgress
  readonly intervalMs?: number
}

/** Looks every `intervalMs` until closed; one rebuild at a time. A standby that does not run is left alone by `restart`. */
export function watchStandbys({ cluster, restart, onProgress = () => {}, intervalMs = 1_000 }: StandbyWatch): { close(): Promise<void> } {
  let isClosed = false
  let turn = Promise.resolve()
  const look = async (): Promise<void> => {
    const lost = await lostSlots(cluster).catch((): string[] => [])
    for (const standby of standbysOf(cluster).filter(({ name }) => lost.includes(name))) {
      if (isClosed) return
      onProgress(`${standby.name}: its slot was lost; it is stopped, copied anew and started`)
      await restart(standby).catch((error: unknown) =>
        onProgress(`${standby.name}: the rebuild failed and is tried again: ${String(error)}`),
      )
    }
  }
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    turn = look().finally(() => (isLooking = false))
  }, intervalMs)
  return {
    async close() {
      isClosed = true
      clearInterval(timer)
      await turn
    },
  }
}

function lostSlots(cluster: Cluster): Promise<string[]> {
  return loginAs(
    primaryOf(cluster),
    'monitor',
    async (sql) => {
      const rows = await sql<{ name: string }[]>`SELECT slot_name AS name FROM pg_replication_slots WHERE wal_status = 'lost'`
      return rows.map(({ name }) => name)
    },
    { timeoutMs: 2_000 },
  )
}
