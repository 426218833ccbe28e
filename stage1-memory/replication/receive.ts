/**
 * A replica's end of replication: `POST /api/replicate` takes batches, snapshots and single entries from the primary;
 * `GET /api/replicate` tells a primary that lost its list what this node holds.
 *
 *   primary ─▶ signature ─▶ parse ─▶ ReplicatedList.receive / install   (log)
 *                                └─▶ ArrivalList.append                 (fan-out)
 */
import { Problem } from '@relais/shared/http/problem.ts'
import type { Service } from '@relais/shared/http/service.ts'
import { messageSchema, REPLICATE_PATH, type Message } from './messages.ts'
import { nodeRoute } from './node-route.ts'
import type { ReplicaNode } from './replica-node.ts'
import type { Signer } from './signature.ts'

/** `node` is `undefined` on the primary. */
export function mountReplicate(service: Service, node: ReplicaNode | undefined, signer: Signer): void {
  const { app } = service
  const take = nodeRoute(signer, async (_, readSigned) => {
    const message = parseMessage(await readSigned())
    const replica = asReplica(node)
    await replica.holdBack()
    return { position: replica.take(message) }
  })
  app.post(REPLICATE_PATH, take)
  app.get(
    REPLICATE_PATH,
    nodeRoute(signer, () => asReplica(node).holdings()),
  )
  app.get(
    `${REPLICATE_PATH}/snapshot`,
    nodeRoute(signer, (c) => asReplica(node).snapshotPart(Number(c.req.query('part') ?? 0))),
  )
}

function asReplica(node: ReplicaNode | undefined): ReplicaNode {
  if (node) return node
  throw new Problem('replication-conflict', { detail: 'this node is the primary and takes no replication' })
}

function parseMessage(body: Uint8Array): Message {
  let value: unknown
  try {
    // Over the same memory: a batch has hundreds of kilobytes.
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  } catch (error) {
    throw new Problem('malformed-request', { detail: 'the body is not valid JSON', cause: error })
  }
  const result = messageSchema.safeParse(value)
  if (result.success) return result.data
  throw new Problem('invalid-content', { detail: `not a replication message: ${result.error.issues[0]?.message ?? ''}` })
}
