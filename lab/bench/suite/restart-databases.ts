/** Stage 1's reset: all databases away before one comes back (an empty primary would otherwise recover its list from a replica). */
import type { Runtime } from '../../runtime/runtime.ts'
import { nodesOf } from '../../topology.ts'
import { breakInDatabases } from './break-in.ts'
import type { TestEnvironment } from './test-environment.ts'

export async function restartDatabases({ topology, databaseUrls }: TestEnvironment, runtime: Runtime, signal: AbortSignal): Promise<void> {
  const targets = nodesOf(topology, 'db').map(({ name }) => ({ stage: topology.stage, instance: name }))
  for (const target of targets) await runtime.stop(target)
  signal.throwIfAborted()
  await Promise.all(targets.map((target) => runtime.start(target)))
  await breakInDatabases(databaseUrls, signal)
}
