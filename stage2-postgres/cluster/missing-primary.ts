/**
 * A primary whose data is gone while standbys have theirs: what was acknowledged under `quorum` and `all` is there, and only there.
 *
 * A new primary would be another cluster, which they cannot follow. So nothing is made and nothing starts: a person decides.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { nodesThere, primaryOf, type Cluster } from './cluster.ts'
import { isComplete, mayHoldData } from './completeness.ts'
import { keptIn } from './kept-data.ts'

/** Throws when the primary is not complete, and another node may hold data. */
export function refuseMissingPrimary(cluster: Cluster): void {
  const primary = primaryOf(cluster)
  if (isComplete(primary)) return
  const others = nodesThere(cluster).filter(({ name }) => name !== primary.name)
  const holders = others.flatMap((node) => {
    const kept = keptIn(node.directory).at(-1)
    if (mayHoldData(node)) return [`${node.name} still has its copy (${node.dataDir})`]
    return kept === undefined ? [] : [`${node.name} keeps what it had (${join(node.directory, kept)})`]
  })
  if (holders.length === 0) return
  const found = existsSync(primary.dataDir) ? 'data that was not made to its end' : 'no data'
  throw new Error(
    `Failed to find the data of ${primary.name}: found ${found} in ${primary.dataDir}, expected the primary's, because ` +
      `${holders.join(', ')}.\n` +
      `Nothing was changed. Put ${primary.directory} back as it was, complete.json included, or make it of a standby's ` +
      `(stage2-postgres/README.md, "When the primary's disk is lost"). \`--fresh\` throws everything away.`,
  )
}
