/** The list against the plainest array that could do its work: ascending ids, removals and sweeps, and arrivals in any order. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Page, PageQuery, StoredRecord } from '@relais/shared/store/store.ts'
import { RecordList } from './record-list.ts'

const id = fc.integer({ min: 1, max: 40 })
const query = fc.record({ limit: fc.integer({ min: 1, max: 12 }), before: fc.option(fc.integer({ min: 1, max: 45 }), { nil: undefined }) })
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace' as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
)

describe('a list of records', () => {
  it('with ascending ids behaves like a plain array', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), fc.array(query, { minLength: 1, maxLength: 5 }), (changes, queries) => {
        let nextId = 1
        // A primary's ids ascend, whatever becomes of the records.
        const ascending = changes.map((one) => (one.do === 'append' ? { ...one, id: nextId++ } : one))
        expectSame(ascending, queries)
        expect(nextId - 1).toBe(ascending.filter((one) => one.do === 'append').length)
      }),
    )
  })

  it('of arrivals in any order and number behaves like a plain array that is walked from its end', () => {
    fc.assert(fc.property(fc.array(change, { maxLength: 80 }), fc.array(query, { minLength: 1, maxLength: 5 }), expectSame))
  })

  it('sweeps its tombstones out and stays the same list', () => {
    const list = new RecordList()
    for (let n = 1; n <= 5_000; n++) list.append(record(n))
    for (let n = 1; n <= 5_000; n++) if (n % 10 !== 0) list.remove(n)
    expect(list.size).toBe(500)
    expect(list.toArray().map((one) => one.id)).toEqual(Array.from({ length: 500 }, (_, index) => (index + 1) * 10))
    expect(list.page({ limit: 3, before: 4_991 }).records.map((one) => one.id)).toEqual([4_990, 4_980, 4_970])
    expect(list.get(4_990)?.id).toBe(4_990)
    expect(list.get(4_991)).toBeUndefined()
    list.append(record(5_001))
    expect(list.page({ limit: 1 }).records[0]?.id).toBe(5_001)
  })

  it('forgets all when all is removed, and begins anew', () => {
    const list = new RecordList()
    for (let n = 1; n <= 3_000; n++) list.append(record(n))
    for (let n = 3_000; n >= 1; n--) list.remove(n)
    expect(list.size).toBe(0)
    expect(list.page({ limit: 10 })).toEqual({ records: [], next: null })
    list.append(record(3_001))
    expect(list.page({ limit: 10 })).toEqual({ records: [record(3_001)], next: null })
  })

  it('pages through everything once, whatever the page size, and says when nothing follows', () => {
    fc.assert(
      fc.property(fc.uniqueArray(id, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (ids, limit) => {
        const ascending = ids.toSorted((a, b) => a - b)
        const list = RecordList.of(ascending.map((one) => record(one)))
        const seen: number[] = []
        for (let before: number | undefined; ;) {
          const page: Page = list.page({ limit, before })
          seen.push(...page.records.map((one) => one.id))
          if (page.next === null) break
          before = page.next
        }
        expect(seen).toEqual(ascending.toReversed())
      }),
    )
  })

  it('removes and replaces a record once, and nothing that is not there', () => {
    const list = RecordList.of([record(1), record(2)])
    expect(list.replace({ ...record(2), message: 'changed' })).toBe(true)
    expect(list.characters).toBe(record(1).message.length + 'changed'.length)
    expect([list.remove(2), list.remove(2), list.replace(record(2)), list.remove(9)]).toEqual([true, false, false, false])
    expect([list.size, list.characters]).toEqual([1, record(1).message.length])
  })
})

type Change = { do: 'append' | 'replace' | 'remove'; id: number }

function expectSame(changes: readonly Change[], queries: readonly PageQuery[]): void {
  const list = new RecordList()
  const model: StoredRecord[] = []
  const answers: boolean[] = []
  for (const [index, one] of changes.entries()) {
    const changed = { ...record(one.id), message: `change ${index}` }
    const place = model.findLastIndex((other) => other.id === one.id)
    if (one.do === 'append') {
      list.append(changed)
      model.push(changed)
    } else if (one.do === 'replace') {
      answers.push(list.replace(changed) === (place !== -1))
      if (place !== -1) model[place] = changed
    } else {
      answers.push(list.remove(one.id) === (place !== -1))
      if (place !== -1) model.splice(place, 1)
    }
  }
  expect(answers).not.toContain(false)
  expect(list.size).toBe(model.length)
  expect(list.toArray()).toEqual(model)
  for (let one = 0; one <= 41; one++) expect(list.get(one)).toEqual(model.findLast((other) => other.id === one))
  for (const one of queries) expect(list.page(one)).toEqual(pageOf(model, one))
}

function pageOf(model: readonly StoredRecord[], { limit, before = Infinity }: PageQuery): Page {
  const older = model.filter((one) => one.id < before).toReversed()
  const records = older.slice(0, limit)
  return { records, next: older.length > limit ? records.at(-1)!.id : null }
}

function record(one: number): StoredRecord {
  return { id: one, message: `message ${one}`, origin: 'DB1', createdAtMs: 1, updatedAtMs: 1 }
}
