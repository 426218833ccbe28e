/**
 * Replication in Prometheus' terms, made from the same status as `GET /api/replication`.
 *
 *   the primary tells of each replica; a replica tells of itself, under its own name
 *
 * So a replica whose primary is away is still seen: the primary's word is missing, its own says that nothing streams.
 */
import type { Metrics, Sample } from '../observe/metrics.ts'
import type { ReplicaStatus, ReplicationStatus, Store } from '../store/store.ts'

type Replicating = Pick<Store, 'role' | 'replication'>

export function countReplication(metrics: Metrics, store: Replicating): void {
  const ask = askTogether(store)
  const told = (name: string, help: string, read: (replica: ReplicaStatus) => number | null): void =>
    metrics.gauges(name, help, ['replica'], () => ask().then((status) => samplesOf(status, read)))

  metrics.gauge('relais_primary', '1 on the node that takes the writes, 0 on a replica.', () => (store.role === 'primary' ? 1 : 0))
  told('relais_replication_streaming', '1 while the replica follows its primary.', ({ state }) => (state === 'streaming' ? 1 : 0))
  told('relais_replication_lag_records', 'Records that the replica lacks (stage 1).', ({ lagRecords }) => lagRecords)
  told('relais_replication_lag_bytes', 'WAL that the replica has not replayed (stage 2).', ({ lagBytes }) => lagBytes)
  told(
    'relais_replication_lag_seconds',
    'How long the replica has been behind, at most; 0 when level.',
    ({ lagMs }) => lagMs && lagMs / 1000,
  )
}

/** All gauges of one scrape share one look; `undefined` where the store cannot tell, as while its server is away. */
function askTogether(store: Replicating): () => Promise<ReplicationStatus | undefined> {
  let asking: Promise<ReplicationStatus | undefined> | undefined
  return () => {
    asking ??= store
      .replication()
      .catch(() => undefined)
      .finally(() => (asking = undefined))
    return asking
  }
}

function samplesOf(status: ReplicationStatus | undefined, read: (replica: ReplicaStatus) => number | null): Sample<'replica'>[] {
  if (!status) return []
  const replicas = status.upstream ? [{ ...status.upstream, name: status.name }] : status.replicas
  return replicas.flatMap((replica) => {
    const value = read(replica)
    return value === null ? [] : [{ labels: { replica: replica.name }, value }]
  })
}
