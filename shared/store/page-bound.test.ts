import { describe, expect, it } from 'vitest'
import { boundPage, PAGE_BYTES_MAX } from './page-bound.ts'
import type { Page, StoredRecord } from './store.ts'

function pageOf(...messages: string[]): Page {
  const record = (message: string, index: number): StoredRecord => ({
    id: 100 - index,
    message,
    origin: 'DB1',
    createdAtMs: 0,
    updatedAtMs: 0,
  })
  return { records: messages.map(record), next: 7 }
}

describe('a page', () => {
  it('below the bound is left as it is', () => {
    const page = pageOf('a', 'b')
    expect(boundPage(page)).toBe(page)
  })

  it('ends before the record that would take it above the bound, and goes on from there', () => {
    const third = 'x'.repeat(PAGE_BYTES_MAX / 18)
    const { records, next } = boundPage(pageOf(third, third, third))
    expect([records.length, next]).toEqual([2, 99])
  })

  it('is as large as its messages are in UTF-8', () => {
    const third = 'é'.repeat(PAGE_BYTES_MAX / 36)
    expect(boundPage(pageOf(third, third, third)).records).toHaveLength(2)
  })

  it('keeps one record, however large', () => {
    const all = 'x'.repeat(PAGE_BYTES_MAX)
    const { records, next } = boundPage(pageOf(all, 'b'))
    expect([records.length, next]).toEqual([1, 100])
  })
})
