/**
 * How much three databases can gain over one when only reads can be spread (Amdahl), for instances with a fixed share of CPU.
 *
 *   one database does          all reads and all writes
 *   the primary of three does  all writes, and its part of the reads
 *   each replica does          all writes once more (it applies them), and its part of the reads
 *
 * A database's CPU is what runs out. So the rate that n databases carry is what the n of them together have, divided by what one
 * request costs them together, as long as reads can be moved away from the primary far enough to leave room for the writes.
 */
export interface RequestCosts {
  readonly readCpuMs: number
  readonly writeOnPrimaryCpuMs: number
  readonly applyOnReplicaCpuMs: number
}

/** Rate of `databases` against one. `readShare` is 0.8 for the report's 80/20 mix. */
export function expectedGain(costs: RequestCosts, databases: number, readShare: number): number | null {
  const writeShare = 1 - readShare
  const aloneMs = readShare * costs.readCpuMs + writeShare * costs.writeOnPrimaryCpuMs
  if (databases < 1 || aloneMs <= 0) return null
  const replicas = databases - 1
  const togetherMs = aloneMs + replicas * writeShare * costs.applyOnReplicaCpuMs
  const evenly = (databases * aloneMs) / togetherMs
  // The primary can give away its reads, never its writes; and a replica its reads, never what it must apply.
  const byPrimary = aloneMs / (writeShare * costs.writeOnPrimaryCpuMs)
  const byReplica = replicas === 0 ? Infinity : aloneMs / (writeShare * costs.applyOnReplicaCpuMs)
  return Math.min(evenly, byPrimary, byReplica)
}
