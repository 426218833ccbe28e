/** For tests: what a replica reads out of a batch that a primary has written. */
import type { WrittenBatch } from '../replication/batch-cache.ts'
import { messageSchema, type BatchMessage } from '../replication/messages.ts'

export function messageIn({ body }: WrittenBatch): BatchMessage {
  const message = messageSchema.parse(JSON.parse(body.join('')))
  if (message.kind !== 'batch') throw new Error(`Failed to read a batch: found ${JSON.stringify(message.kind)}, expected "batch".`)
  return message
}
