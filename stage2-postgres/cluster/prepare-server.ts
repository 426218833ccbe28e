/**
 * Everything between "this server does not run" and "this server may be started"; called before every start of a server,
 * the first as well as one after a crash. A standby that can no longer follow its primary is made again here.
 */
import type { ClusterNode, OnProgress } from './cluster.ts'
import { isComplete } from './completeness.ts'
import { configure } from './configuration.ts'
import { refuseMissingPrimary } from './missing-primary.ts'
import { noteRebuild } from './rebuild-note.ts'
import { endServer } from './server.ts'
import { postmasterPid } from './server-processes.ts'
import { createStandby, rebuildReason, type AskLater } from './standby.ts'

/**
 * Resolves to what a standby's primary could not be asked yet, to be asked while the server runs. Rejects when the server already runs, or is
 * a primary whose data is gone. `signal` ends a copy that is being made, and the wait for a primary that is starting.
 */
export async function prepareServer(
  node: ClusterNode,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
): Promise<AskLater | undefined> {
  const pid = postmasterPid(node)
  if (pid !== undefined) throw new Error(`Failed to start PostgreSQL ${node.name}: it already runs (pid ${pid}); stop it first.`)
  await endServer(node)
  if (node.role === 'primary') refuseMissingPrimary(node.cluster)
  // A standby that is not complete may have no directory, or one without the files that are changed here; it is made below.
  if (node.role === 'primary' || isComplete(node)) configure(node)
  if (node.role === 'primary') return undefined
  const reason = await rebuildReason(node, signal)
  if (reason === undefined || typeof reason === 'function') return reason
  onProgress(`${node.name}: rebuilding this standby, because ${reason.why}`)
  if (reason.isParted) noteRebuild(node, reason.why)
  await createStandby(node, onProgress, { signal })
  return undefined
}
