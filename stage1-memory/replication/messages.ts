/**
 * What travels from the primary to a replica in the body of `POST /api/replicate`, and what comes back.
 *
 *   batch     entries in log order, and the position right before them (log shipping; without entries: a heartbeat)
 *   snapshot  a part of the whole list, for a replica that the log no longer reaches
 *   entry     one entry on its own (fan-out)
 */
import { z } from 'zod'
import { entrySchema, type LogEntry, type Operation } from '../store/operation.ts'
import { keptAnswerSchema } from '../store/idempotency.ts'

export const REPLICATE_PATH = '/api/replicate'
export const LOG_PATH = `${REPLICATE_PATH}/log`
export const REPLICATE_BYTES_MAX = 16 * 1024 * 1024

const lsn = z.int().min(0)
const position = z.object({ epoch: lsn, lsn })
const epochs = z.array(z.object({ epoch: z.int().min(1), fromLsn: z.int().min(1) }))

const recordSchema = z.object({
  id: z.int().min(1),
  message: z.string(),
  origin: z.string(),
  createdAtMs: z.int().min(0),
  updatedAtMs: z.int().min(0),
})

/** An entry of a batch, without member names: batches are most of what replication sends, and names would be most of them. */
export type EntryRow = [
  epoch: number,
  lsn: number,
  id: number,
  crc: number,
  type: Operation['type'],
  atMs: number,
  /** The last three `null` where the operation has none. */
  message: string | null,
  origin: string | null,
  key: string | null,
]

const ROW_MEMBERS = 9
const TYPES: ReadonlySet<unknown> = new Set(['insert', 'replace', 'remove'] satisfies Operation['type'][])

/** By hand: zod's tuple, which makes a copy of each row, took a fifth of what a replica spends on an entry. */
function isRow(value: unknown): value is EntryRow {
  if (!Array.isArray(value) || value.length !== ROW_MEMBERS) return false
  const [epoch, at, id, crc, type, atMs, message, origin, key] = value as unknown[]
  const numbersFit = isWhole(epoch, 1) && isWhole(at, 1) && isWhole(id, 1) && isWhole(crc, 0) && isWhole(atMs, 0)
  return numbersFit && TYPES.has(type) && isTextOrNull(message) && isTextOrNull(origin) && isTextOrNull(key)
}

function isWhole(value: unknown, min: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

const rowsSchema = z.custom<EntryRow[]>((value) => Array.isArray(value) && value.every(isRow), {
  error: `expected rows of ${ROW_MEMBERS} members: epoch, lsn, id, crc, type, atMs, message, origin, key`,
})

export function toRow({ epoch, lsn, id, crc, operation }: LogEntry): EntryRow {
  const message = operation.type === 'remove' ? null : operation.message
  const origin = operation.type === 'insert' ? operation.origin : null
  return [epoch, lsn, id, crc, operation.type, operation.atMs, message, origin, operation.key ?? null]
}

/** A row whose members do not fit its type becomes an entry whose checksum does not fit either, and is refused for that. */
export function fromRow([epoch, lsn, id, crc, type, atMs, message, origin, key]: EntryRow): LogEntry {
  const rest = { atMs, ...(key !== null && { key }) }
  if (type === 'insert') return { epoch, lsn, id, crc, operation: { type, message: message ?? '', origin: origin ?? '', ...rest } }
  if (type === 'replace') return { epoch, lsn, id, crc, operation: { type, message: message ?? '', ...rest } }
  return { epoch, lsn, id, crc, operation: { type, ...rest } }
}

const batchSchema = z.object({
  kind: z.literal('batch'),
  epoch: z.int().min(1),
  previous: position,
  entries: rowsSchema,
  headLsn: lsn,
})

export const snapshotPartSchema = z.object({
  kind: z.literal('snapshot'),
  epoch: lsn,
  lsn,
  epochs,
  nextId: z.int().min(1),
  /** 0-based. */
  part: z.int().min(0),
  isLast: z.boolean(),
  records: z.array(recordSchema),
  keys: z.array(keptAnswerSchema),
})

const singleSchema = z.object({ kind: z.literal('entry'), entry: entrySchema })

export const messageSchema = z.discriminatedUnion('kind', [batchSchema, snapshotPartSchema, singleSchema])

export type BatchMessage = z.infer<typeof batchSchema>
export type SnapshotPart = z.infer<typeof snapshotPartSchema>
export type SingleMessage = z.infer<typeof singleSchema>
export type Message = z.infer<typeof messageSchema>

/** The body of a 200: where the replica is now. */
export const accepted = z.object({ position })

/** The members of a 409 problem document that the primary goes on from. */
export const conflict = z.object({ reason: z.enum(['gap', 'diverged', 'stale-epoch', 'damaged', 'snapshot-part']), last: position })

/**
 * The body of `GET /api/replicate`: what a primary without a list asks its replicas. `isWhole`: it has all that its epoch began
 * with. `wasLevel`: since its start it once had all that a primary had, so it has whatever all nodes confirmed, then and since.
 */
export const holdings = z.object({ position, last: position, isWhole: z.boolean(), wasLevel: z.boolean() })
export type Holdings = z.infer<typeof holdings>

/** The body of `GET /api/replicate/log`: what stands in a node's log, for whoever wants to look at it. */
export const logPage = z.object({ position, last: position, keptAfterLsn: lsn, epochs, entries: rowsSchema })
export type LogPage = z.infer<typeof logPage>
