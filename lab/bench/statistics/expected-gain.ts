/**
 * How much three databases can gain over one when only reads can be spread (Amdahl), for instances with a fixed share of CPU.
 *
 *   one database does          all reads and all writes
 *   the primary of three does  all writes, sends each to the replicas, and its part of the reads
 *   each replica does          all writes once more (it applies them), and its part of the reads
 *
 * A database's CPU is what runs out. So the rate that n databases carry is what the n of them together have, divided by what one
 * request costs them together, as long as reads can be moved away from the primary far enough to leave room for the writes.
 */
export interface RequestCosts {
  readonly readCpuMs: number
  /** Of a primary without replicas: it has nobody to send a write to. */
  readonly writeAloneCpuMs: number
  /** Of a primary with replicas, sending included. */
  readonly writeOnPrimaryCpuMs: number
  readonly applyOnReplicaCpuMs: number
}

/**
 * The same when the primary serves a given part of the reads, 0 to 1, and not the one that would fill all databases at once: a load
 * balancer that counts reads does not see what writes leave of the primary.
 */
export function expectedGainWith(readsOnPrimary: number, costs: RequestCosts, databases: number, readShare: number): number | null {
  const writeShare = 1 - readShare
  const replicas = databases - 1
  const aloneMs = readShare * costs.readCpuMs + writeShare * costs.writeAloneCpuMs
  if (replicas < 1 || aloneMs <= 0) return null
  const primaryMs = writeShare * costs.writeOnPrimaryCpuMs + readShare * readsOnPrimary * costs.readCpuMs
  const replicaMs = writeShare * costs.applyOnReplicaCpuMs + (readShare * (1 - readsOnPrimary) * costs.readCpuMs) / replicas
  // The first that runs out of CPU.
  return aloneMs / Math.max(primaryMs, replicaMs)
}

/** Rate of `databases` against one. `readShare` is 0.8 for the report's 80/20 mix. */
export function expectedGain(costs: RequestCosts, databases: number, readShare: number): number | null {
  const writeShare = 1 - readShare
  const aloneMs = readShare * costs.readCpuMs + writeShare * costs.writeAloneCpuMs
  if (databases < 1 || aloneMs <= 0) return null
  const replicas = databases - 1
  if (replicas === 0) return 1
  const writeTogetherMs = costs.writeOnPrimaryCpuMs + replicas * costs.applyOnReplicaCpuMs
  const togetherMs = readShare * costs.readCpuMs + writeShare * writeTogetherMs
  const evenly = (databases * aloneMs) / togetherMs
  // The primary can give away its reads, never its writes; and a replica its reads, never what it must apply.
  const byPrimary = aloneMs / (writeShare * costs.writeOnPrimaryCpuMs)
  const byReplica = aloneMs / (writeShare * costs.applyOnReplicaCpuMs)
  return Math.min(evenly, byPrimary, byReplica)
}
