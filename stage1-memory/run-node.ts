/**
 * A node from its beginning to its port, and its end on SIGTERM or SIGINT in the time before.
 *
 *   signals ─▶ [begun?] ─▶ listens, signals are `runService`'s
 *      └ close, exit 0
 *
 * A primary may wait long for its replicas, and nothing else listens to signals then. In a container, where Node is process 1, a
 * signal without a handler is ignored: the container would be killed at the end of its grace period.
 */
import { runService } from '@relais/shared/http/run-service.ts'
import type { Node, Stage1Settings } from './node.ts'

/** Resolves when the node listens. */
export async function runNode(node: Node, { RELAIS_HOST: host, RELAIS_PORT: port }: Stage1Settings): Promise<void> {
  const { log } = node.service.options
  let isEnding = false
  const end = async (signal: string): Promise<void> => {
    if (isEnding) return
    isEnding = true
    log.info({ signal }, 'stopping, before it listened')
    await node.close()
    log.info('stopped')
    log.flush(() => process.exit(0))
  }
  const onSignal = (signal: string): void => void end(signal)
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)

  // A primary without its list is not there: db-lb moves its reads to the replicas, as it would if the process did not run.
  await node.begun
  // A node that was closed has begun nothing.
  if (isEnding) return
  await runService(node.service, host, port, node)
  process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
}
