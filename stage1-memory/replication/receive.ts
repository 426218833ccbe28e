/**
 * A replica's end of replication: `POST /api/replicate` takes batches, snapshots and single entries from the primary;
 * `GET /api/replicate` tells a primary that lost its list what this node holds.
 *
 *   primary ─▶ signature ─▶ parse ─▶ ReplicatedList.receive / install   (log)
 *                                └─▶ ArrivalList.append                 (fan-out)
 */
import type { Context } from 'hono'
import { Problem } from '@relais/shared/http/problem.ts'
import { readBody } from '@relais/shared/http/read-body.ts'
import type { Service, ServiceContext, ServiceEnv } from '@relais/shared/http/service.ts'
import { messageSchema, REPLICATE_BYTES_MAX, REPLICATE_PATH, type Message } from './messages.ts'
import type { ReplicaNode } from './replica-node.ts'
import { SIGNATURE, type Signer } from './signature.ts'

export function mountReplicate(service: Service, node: ReplicaNode | undefined, signer: Signer): void {
  service.app.post(REPLICATE_PATH, async (c) => {
    const message = await readMessage(c, signer)
    if (!node) throw new Problem('replication-conflict', { detail: 'this node is the primary and takes no replication' })
    await node.holdBack()
    return c.env.exchange.json(200, { position: node.take(message) })
  })
  service.app.get(REPLICATE_PATH, (c) => {
    checkSignature(c, signer, '')
    if (!node) throw new Problem('replication-conflict', { detail: 'this node is the primary' })
    return c.env.exchange.json(200, node.holdings())
  })
  service.app.get(`${REPLICATE_PATH}/snapshot`, (c) => {
    checkSignature(c, signer, '')
    if (!node) throw new Problem('replication-conflict', { detail: 'this node is the primary' })
    return c.env.exchange.json(200, node.snapshotPart(Number(c.req.query('part') ?? 0)))
  })
}

async function readMessage(c: ServiceContext, signer: Signer): Promise<Message> {
  const body = await readBody(c, REPLICATE_BYTES_MAX)
  checkSignature(c, signer, body)
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString())
  } catch (error) {
    throw new Problem('malformed-request', { detail: 'the body is not valid JSON', cause: error })
  }
  const result = messageSchema.safeParse(value)
  if (result.success) return result.data
  throw new Problem('invalid-content', { detail: `not a replication message: ${result.error.issues[0]?.message ?? ''}` })
}

export function checkSignature(c: Context<ServiceEnv>, signer: Signer, body: string | Uint8Array): void {
  const { pathname, search } = new URL(c.req.url)
  const isGenuine = signer.isGenuine(c.req.header(SIGNATURE), { method: c.req.method, path: pathname + search, body })
  if (!isGenuine) throw new Problem('unauthorized', { detail: 'node-to-node calls need a fresh signature of this cluster' })
}
