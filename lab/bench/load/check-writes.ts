/** After a run: is every acknowledged write in every database, once? */
import type { WriteChecks } from '../results/bench-record.ts'
import type { WriteLedger } from './write-ledger.ts'

/** Pages through each database itself, not through a load balancer. Call it after the replicas have caught up. */
export function checkWrites(_ledger: WriteLedger, _databaseUrls: readonly string[], _signal?: AbortSignal): Promise<WriteChecks> {
  throw new Error('not there yet')
}
