/**
 * What a write does to the list, as it stands in the log and travels between nodes, and the checksum that goes with it.
 *
 * A log entry is (epoch, lsn, id, crc, operation). The checksum covers all of it, so that an entry that was cut, mixed up
 * or changed on the way is refused by the replica instead of becoming its data.
 */
import { crc32 } from 'node:zlib'
import { z } from 'zod'

const time = z.int().min(0)
const key = z.string().max(128).optional()

const operationSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('insert'), message: z.string(), origin: z.string(), atMs: time, key }),
  z.object({ type: z.literal('replace'), message: z.string(), atMs: time, key }),
  z.object({ type: z.literal('remove'), atMs: time, key }),
])

export const entrySchema = z.object({
  epoch: z.int().min(1),
  lsn: z.int().min(1),
  /** The record that the operation is about. */
  id: z.int().min(1),
  crc: z.int().min(0),
  operation: operationSchema,
})

/** `atMs` is the primary's clock, `key` the client's idempotency key. */
export type Operation = z.infer<typeof operationSchema>
export type LogEntry = z.infer<typeof entrySchema>

export function sealEntry(epoch: number, lsn: number, id: number, operation: Operation): LogEntry {
  return { epoch, lsn, id, crc: checksum(epoch, lsn, id, operation), operation }
}

export function isIntact({ epoch, lsn, id, crc, operation }: LogEntry): boolean {
  return crc === checksum(epoch, lsn, id, operation)
}

function checksum(epoch: number, lsn: number, id: number, operation: Operation): number {
  const rest = operation.type === 'remove' ? '' : operation.message
  const origin = operation.type === 'insert' ? operation.origin : ''
  return crc32(`${epoch}|${lsn}|${id}|${operation.type}|${operation.atMs}|${operation.key ?? ''}|${origin}|${rest}`)
}
