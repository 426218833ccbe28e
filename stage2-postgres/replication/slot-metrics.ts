/**
 * The primary's slots in Prometheus' terms: how much WAL each keeps for its standby, and how much it may.
 *
 * (!) Lag does not tell of a standby that is away: the primary has no position of it, and its own word is that it replayed all it has.
 * The WAL that its slot keeps grows all the while, and at the bound the slot is lost.
 */
import type { Metrics } from '@relais/shared/observe/metrics.ts'
import type { PrimaryReplication } from './primary-replication.ts'
import type { StandbyRow } from './status.ts'

export function countSlots(metrics: Metrics, replication: Pick<PrimaryReplication, 'look'>): void {
  const told = (name: string, help: string, read: (standby: StandbyRow) => number | null): void =>
    metrics.gauges(name, help, ['replica'], async () => {
      // While the server is away it tells nothing.
      const row = await replication.look().catch(() => undefined)
      return (row?.standbys ?? []).flatMap((standby) => {
        const value = read(standby)
        return value === null ? [] : [{ labels: { replica: standby.name }, value }]
      })
    })
  told('relais_replication_slot_kept_bytes', 'WAL that the slot keeps for the replica.', ({ slot_kept_bytes }) => slot_kept_bytes)
  told('relais_replication_slot_kept_max_bytes', 'What it may keep: beyond that the slot is lost.', (row) => row.slot_kept_bytes_max)
}
