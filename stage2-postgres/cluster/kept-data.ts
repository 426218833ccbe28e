/**
 * Data that is in the way and may be the only copy of something: it is not removed but kept beside its place.
 *
 *   ROOT/db2/data ─▶ ROOT/db2/data.before-2026-01-31T12-00-00.000Z
 *
 * Bounded: the newest two of a node stay. `--fresh` removes them with everything else.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterNode, OnProgress } from './cluster.ts'
import { unmarkComplete } from './completeness.ts'
import { cleanServer } from './server.ts'

const KEPT_MAX = 2
const PREFIX = 'data.before-'

/** Afterwards there is no data directory. Says where it went. The node's server must not run. */
export async function keepData(node: ClusterNode, onProgress: OnProgress): Promise<void> {
  unmarkComplete(node)
  await cleanServer(node)
  const kept = join(node.directory, `${PREFIX}${new Date().toISOString().replaceAll(':', '-')}`)
  renameSync(node.dataDir, kept)
  onProgress(`${node.name}: what it had is kept in ${kept}`)
  for (const old of keptIn(node.directory).slice(0, -KEPT_MAX)) rmSync(join(node.directory, old), { recursive: true, force: true })
}

/** The oldest first: a date in this form is ordered as text. */
export function keptIn(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => name.startsWith(PREFIX))
    .toSorted()
}
