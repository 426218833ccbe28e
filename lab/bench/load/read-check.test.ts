import { beforeEach, describe, expect, it } from 'vitest'
import { checkPage } from './read-check.ts'
import { WriteLedger } from './write-ledger.ts'

const AT = '2026-01-01T00:00:00.000Z'
let ledger: WriteLedger

/** Five writes, acknowledged in an order that is not quite that of their ids. */
beforeEach(() => {
  ledger = new WriteLedger(100)
  for (const id of [101, 103, 102, 104, 105]) {
    ledger.begin(`m${id}`)
    expect(ledger.acknowledge(`m${id}`, id)).toBe(true)
  }
})

function page(ids: readonly number[], next: number | null = null, changed: Readonly<Record<number, string>> = {}): unknown {
  const records = ids.map((id) => ({ id, message: changed[id] ?? `m${id}`, origin: 'DB1', createdAt: AT, updatedAt: AT }))
  return { records, next, server: 'DB2' }
}

describe('what a page of newest records shows', () => {
  it('is fresh when all is there that had been acknowledged', () => {
    expect(checkPage(page([105, 104, 103, 102, 101]), ledger, ledger.mark())).toEqual({ staleBy: 0 })
  })

  it('is stale by as many writes as it should have shown and does not', () => {
    expect(checkPage(page([103, 102, 101]), ledger, ledger.mark())).toEqual({ staleBy: 2 })
    expect(checkPage(page([]), ledger, ledger.mark())).toEqual({ staleBy: 5 })
    // It is the last page, so the oldest should be on it as well.
    expect(checkPage(page([105, 104, 103]), ledger, ledger.mark())).toEqual({ staleBy: 2 })
  })

  it('is not stale for want of what was acknowledged after the read began', () => {
    const mark = ledger.mark()
    ledger.begin('m106')
    ledger.acknowledge('m106', 106)
    expect(checkPage(page([105, 104, 103, 102, 101]), ledger, mark)).toEqual({ staleBy: 0 })
    expect(checkPage(page([105, 104, 103, 102, 101]), ledger, ledger.mark())).toEqual({ staleBy: 1 })
  })

  it('is stale by a hole in its middle, as a mechanism that reorders leaves it', () => {
    expect(checkPage(page([105, 104, 102, 101]), ledger, ledger.mark())).toEqual({ staleBy: 1 })
  })

  it('owes nothing below its end when there is more', () => {
    expect(checkPage(page([105, 104], 104), ledger, ledger.mark())).toEqual({ staleBy: 0 })
    expect(checkPage(page([105, 103], 103), ledger, ledger.mark())).toEqual({ staleBy: 1 })
    expect(checkPage(page([105, 104, 102], 102), ledger, ledger.mark())).toEqual({ staleBy: 1 })
  })

  it('may show a write whose answer is still on its way', () => {
    ledger.begin('m106')
    expect(checkPage(page([106, 105], 105), ledger, ledger.mark())).toEqual({ staleBy: 0 })
  })

  it('is not asked about records that were there before', () => {
    expect(checkPage(page([105, 104, 103, 102, 101, 100, 99]), ledger, ledger.mark())).toEqual({ staleBy: 0 })
  })
})

describe('a page is wrong', () => {
  it.each([
    { why: 'when nobody wrote a record of it', json: page([107, 105]), reason: 'a record that nobody wrote' },
    { why: 'when a message was changed', json: page([105], null, { 105: 'm105 ' }), reason: 'a record that nobody wrote' },
    {
      why: 'when two messages were exchanged',
      json: page([105, 104], 104, { 104: 'm105', 105: 'm104' }),
      reason: 'a record under another id than acknowledged',
    },
    { why: 'when it is not newest first', json: page([104, 105]), reason: 'ids that do not descend' },
    { why: 'when an id is there twice', json: page([105, 105]), reason: 'ids that do not descend' },
    { why: 'when it does not say who served it', json: { records: [], next: null }, reason: 'no page of records' },
    { why: 'when it is another document', json: { status: 'ok' }, reason: 'no page of records' },
  ])('$why', ({ json, reason }) => {
    expect(checkPage(json, ledger, ledger.mark())).toBe(reason)
  })

  it('when a write without an answer is there twice', () => {
    ledger.begin('twice')
    expect(checkPage(page([107, 106], 106, { 107: 'twice', 106: 'twice' }), ledger, ledger.mark())).toBe('a record twice')
  })

  it('when an id that was acknowledged for one write shows another', () => {
    ledger.begin('unknown')
    const reason = checkPage(page([105], 105, { 105: 'unknown' }), ledger, ledger.mark())
    expect(reason).toBe('another message than acknowledged under this id')
  })
})

describe('the ledger', () => {
  it('refuses an id that it has, or that was there before', () => {
    ledger.begin('late')
    expect(ledger.acknowledge('late', 103)).toBe(false)
    expect(ledger.acknowledge('late', 100)).toBe(false)
    expect(ledger.acknowledge('late', 106)).toBe(true)
  })

  it('takes a message once', () => {
    expect(() => ledger.begin('m101')).toThrow('begun twice')
    expect(() => ledger.acknowledge('m101', 107)).toThrow('cannot be acknowledged')
  })
})
