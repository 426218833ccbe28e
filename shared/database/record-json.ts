/** A stored record as the JSON that clients see: `{id, message, origin, createdAt, updatedAt}`, times as RFC 3339. */
import type { StoredRecord } from '../store/store.ts'

export interface RecordJson {
  readonly id: number
  readonly message: string
  readonly origin: string
  readonly createdAt: string
  readonly updatedAt: string
}

export function toJson(record: StoredRecord): RecordJson {
  const createdAt = new Date(record.createdAtMs).toISOString()
  const updatedAt = record.updatedAtMs === record.createdAtMs ? createdAt : new Date(record.updatedAtMs).toISOString()
  return { id: record.id, message: record.message, origin: record.origin, createdAt, updatedAt }
}
