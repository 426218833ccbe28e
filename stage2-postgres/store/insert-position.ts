/**
 * The position of a primary's answer: where the next record of the WAL begins, which is at or after all that anybody can see.
 *
 * (!) Where the last record ends with its page, or its segment (after `pg_switch_wal()`, or a base backup), that is behind the next one's
 * header, and no standby gets there before something is written: until then it would not reach the token of a read. The header is no record, so
 * what is visible ends before it. Source: PostgreSQL, access/transam/xlog.c: the insert position is of XLogBytePosToRecPtr, which skips the
 * header, the end of a record of XLogBytePosToEndRecPtr, which does not.
 *
 * What is inserted and not flushed yet stays in the position, although a standby has to wait for it: a session may have
 * `synchronous_commit = off`, and its commit is visible before it is flushed.
 */
import type { Position } from '@relais/shared/store/position.ts'
import { walPosition } from './wal-position.ts'

/** What initdb makes, and the lab asks for nothing else. In larger segments the same place may be the end of a record. */
const SEGMENT_BYTES = 16 * 1024 * 1024
/** Source: PostgreSQL, access/xlog_internal.h, SizeOfXLogLongPHD. */
const SEGMENT_HEADER_BYTES = 40
/** XLOG_BLCKSZ, as PostgreSQL is built unless somebody asks for another. */
const PAGE_BYTES = 8 * 1024
/** SizeOfXLogShortPHD. No record ends right behind it: the rest of one that began on an earlier page is at least a byte. */
const PAGE_HEADER_BYTES = 24

/** `lsn` is pg_current_wal_insert_lsn(). */
export function insertPosition(timeline: number, lsn: string): Position {
  const position = walPosition(timeline, lsn)
  return { ...position, lsn: position.lsn - headerBytesBefore(position.lsn) }
}

function headerBytesBefore(lsn: number): number {
  if (lsn % SEGMENT_BYTES === SEGMENT_HEADER_BYTES) return SEGMENT_HEADER_BYTES
  return lsn % PAGE_BYTES === PAGE_HEADER_BYTES ? PAGE_HEADER_BYTES : 0
}
