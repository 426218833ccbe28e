import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejectionOf } from '@relais/shared/test/rejection-of.ts'
import { LinkLost, type Link } from './link.ts'
import type { Pool } from './pool.ts'
import { Reads } from './reads.ts'
import { PRIMARY_READS } from './statements.ts'

const POSITION = { epoch: 1, lsn: 16 }

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

/** Reads of an empty table, over a server that takes `eachMs` for a statement; `allowed` is the time that each was given. */
function slowReads(eachMs: number): { reads: Reads; allowed: number[] } {
  const allowed: number[] = []
  const sql = (strings: readonly string[]): unknown[] => (strings.join('').includes('FROM') ? [] : [{ lsn: '0/10', is_behind: false }])
  const link = { query: async (start: (sql: unknown) => unknown) => start(sql) } as unknown as Link
  const run = async (work: (link: Link) => Promise<unknown>, timeoutMs: number): Promise<unknown> => {
    allowed.push(timeoutMs)
    await new Promise((resolve) => setTimeout(resolve, Math.min(eachMs, timeoutMs)))
    if (timeoutMs < eachMs) throw new LinkLost(`no answer within ${timeoutMs} ms`)
    return work(link)
  }
  return { reads: new Reads({ pool: { run } as unknown as Pool, statements: PRIMARY_READS, claim: () => POSITION }), allowed }
}

describe('a read', () => {
  it.each([
    ['an empty page', (reads: Reads) => reads.page({ limit: 20 })],
    ['a record that is not there', (reads: Reads) => reads.get(1)],
  ])('of %s asks for its position in the time that is left', async (_, read) => {
    const { reads, allowed } = slowReads(300)
    const answer = read(reads)
    await vi.advanceTimersByTimeAsync(600)
    expect(await answer).toMatchObject({ position: POSITION })
    expect(allowed).toEqual([800, 500])
  })

  it('that waited for another one like it has the time that is left', async () => {
    const { reads } = slowReads(300)
    const first = reads.page({ limit: 20 })
    await vi.advanceTimersByTimeAsync(10)
    const second = rejectionOf(reads.page({ limit: 20 }))
    await vi.advanceTimersByTimeAsync(590)
    expect(await first).toMatchObject({ position: POSITION })
    await vi.advanceTimersByTimeAsync(210)
    expect(Date.now()).toBe(810)
    expect(await second).toMatchObject({ slug: 'store-unavailable', definite: true })
  })
})
