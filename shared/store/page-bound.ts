/**
 * Where a page of records ends although its limit is not reached, so that no tier holds more of it whole than this.
 *
 * What counts is the largest JSON that the records can become. A store that fetches its records should not fetch more than
 * that either: stage 2 gives the bound to PostgreSQL (statements.ts).
 */
import type { Page } from './store.ts'

/** A page ends early rather than grow above this; `next` says where to go on. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024
/** Of a record, without its message. */
export const RECORD_BYTES = 200
/** Of a byte of its message in UTF-8: "\u0001". */
export const JSON_BYTES_A_BYTE = 6

/** The page up to its bound; at least one record stays. */
export function boundPage(page: Page): Page {
  let bytes = 0
  for (const [index, { message }] of page.records.entries()) {
    bytes += RECORD_BYTES + JSON_BYTES_A_BYTE * Buffer.byteLength(message)
    if (bytes > PAGE_BYTES_MAX && index > 0) return { records: page.records.slice(0, index), next: page.records[index - 1]!.id }
  }
  return page
}
