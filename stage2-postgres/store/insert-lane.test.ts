import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { writeProblem } from './failure.ts'
import { InsertLane } from './insert-lane.ts'
import type { Submitted } from './job.ts'
import type { Link } from './link.ts'
import type { Pool } from './pool.ts'

const LOCK_NOT_AVAILABLE = refusedWith('55P03')
const CONTENT_FAULT = refusedWith('22021')

function refusedWith(code: string): Error {
  return new (postgres.PostgresError as unknown as new (fields: object) => Error)({ severity: 'ERROR', code, message: code })
}

/** A server that refuses what holds the key "bad", and tells what it was asked: keys as an array, anything else by its first word. */
function laneTo(refusal: Error, onAsked: (what: string) => void = () => {}): { lane: InsertLane; asked: string[] } {
  const asked: string[] = []
  const answer = (what: string, rows: number): unknown[] => {
    asked.push(what)
    onAsked(what)
    if (what.includes('bad')) throw refusal
    return Array.from({ length: rows }, (_, n) => ({ place: n + 1, fingerprint: null, id: n, origin: 'DB1', created_at: 1, updated_at: 1 }))
  }
  const sql = (strings: readonly string[], ...values: unknown[]): unknown[] => {
    const text = strings.join('?').trim()
    if (text.includes('_lsn')) return [{ lsn: '0/10' }]
    if (!text.includes('INSERT')) return answer(text.split(' ', 1)[0]!, 0)
    const keys = String(values[1])
    return answer(keys, keys.split(',').length)
  }
  const link = { warnings: 0, query: async (start: (sql: unknown) => unknown) => start(sql) } as unknown as Link
  const pool = { submit: (work: (link: Link) => Promise<unknown>) => ({ outcome: work(link) }) } as unknown as Pool
  return { lane: new InsertLane({ pool, origin: 'DB1' }), asked }
}

/** The first goes alone, as it finds the lane empty; the others are one batch behind it. */
function submitAll(lane: InsertLane, keys: readonly string[]): Submitted<unknown>[] {
  const writes = keys.map((key) => lane.submit(key, key, 'fingerprint'))
  // A test looks at some of them only.
  for (const { outcome } of writes) outcome.catch(() => {})
  return writes
}

async function problemOf(write: Submitted<unknown>): Promise<unknown> {
  return write.outcome.then(
    () => undefined,
    (error: unknown) => writeProblem(error, true),
  )
}

describe.each([
  ['that waited for a key in vain', LOCK_NOT_AVAILABLE, { slug: 'store-unavailable', definite: false }],
  ['with a row that cannot be stored', CONTENT_FAULT, { slug: 'invalid-content', definite: true }],
])('a batch %s', (_, refusal, problem) => {
  it('is repeated row by row, and only that row is refused', async () => {
    const { lane, asked } = laneTo(refusal)
    const [first, a, bad, c] = submitAll(lane, ['first', 'a', 'bad', 'c'])
    expect(await problemOf(bad!)).toMatchObject(problem)
    expect(await Promise.all([first, a, c].map((write) => problemOf(write!)))).toEqual([undefined, undefined, undefined])
    await expect.poll(() => asked).toEqual(['{"first"}', '{"a","bad","c"}', 'SET', '{"a"}', '{"bad"}', '{"c"}', 'RESET'])
  })
})

describe('a batch', () => {
  it('has no more rows than a statement should, and the others follow in their order', async () => {
    const { lane, asked } = laneTo(CONTENT_FAULT)
    const writes = submitAll(lane, ['first', ...Array.from({ length: 750 }, (_, n) => `k${n}`)])
    await Promise.all(writes.map(({ outcome }) => outcome))
    expect(asked.map((keys) => keys.split(',').length)).toEqual([1, 500, 250])
    expect(asked[2]).toMatch(/^\{"k500",.*"k749"\}$/)
  })

  it('ends with the message that makes it longer than a statement should be', async () => {
    const { lane, asked } = laneTo(CONTENT_FAULT)
    const long = 'x'.repeat(600 * 1024)
    const writes = ['first', 'a', 'b', 'c'].map((key) => lane.submit(key === 'first' ? key : long, key, 'fingerprint'))
    await Promise.all(writes.map(({ outcome }) => outcome))
    expect(asked).toEqual(['{"first"}', '{"a","b"}', '{"c"}'])
  })

  it('leaves out who was taken back', async () => {
    const { lane, asked } = laneTo(CONTENT_FAULT)
    const [, a, b] = submitAll(lane, ['first', 'a', 'b'])
    a!.drop()
    expect(await problemOf(a!)).toMatchObject({ slug: 'overloaded', definite: true })
    await b!.outcome
    expect(asked).toEqual(['{"first"}', '{"b"}'])
  })

  it('is not waited for by more than can be answered in time: one too many is refused at once', async () => {
    const { lane } = laneTo(CONTENT_FAULT)
    const writes = submitAll(lane, ['first', ...Array.from({ length: 4_097 }, (_, n) => `k${n}`)])
    expect(await problemOf(writes.at(-1)!)).toMatchObject({ slug: 'overloaded', definite: true })
    expect(await problemOf(writes.at(-2)!)).toBeUndefined()
  })

  it('gives each write its own row, in whatever order the server returns them', async () => {
    const rows = [2, 3, 1].map((place) => ({ place, fingerprint: null, id: place * 10, origin: 'DB1', created_at: 1, updated_at: 1 }))
    const sql = (strings: readonly string[]): unknown[] => (strings.join('').includes('_lsn') ? [{ lsn: '0/10' }] : rows)
    const link = { warnings: 0, query: async (start: (sql: unknown) => unknown) => start(sql) } as unknown as Link
    const opened = Promise.withResolvers<void>()
    const submit = (work: (link: Link) => Promise<unknown>): unknown => ({ outcome: opened.promise.then(() => work(link)) })
    const lane = new InsertLane({ pool: { submit } as unknown as Pool, origin: 'DB1' })
    const writes = submitAll(lane, ['a', 'b', 'c'])
    opened.resolve()
    const inserted = await Promise.all(writes.map(({ outcome }) => outcome))
    expect(inserted).toMatchObject([10, 20, 30].map((id, index) => ({ record: { id, message: 'abc'[index] } })))
  })
})

describe('a row that is taken back before its turn comes again', () => {
  async function takenBack(refusal: Error): Promise<unknown> {
    const { lane, asked } = laneTo(refusal, (what) => what === '{"a"}' && late?.drop())
    const [, , , late] = submitAll(lane, ['first', 'a', 'bad', 'late'])
    const problem = await problemOf(late!)
    await expect.poll(() => asked.at(-1)).toBe('RESET')
    expect(asked).not.toContain('{"late"}')
    return problem
  }

  it('is certainly not made', async () => {
    expect(await takenBack(CONTENT_FAULT)).toMatchObject({ slug: 'overloaded', definite: true })
  })

  it('is undecided when the lock that was not had may be of its key', async () => {
    expect(await takenBack(LOCK_NOT_AVAILABLE)).toMatchObject({ slug: 'store-unavailable', definite: false })
  })
})

describe('a defect beside the commit', () => {
  const DEFECT = new Error('defect')

  it('is the answer of those who were drawn, and of no others', async () => {
    const silent = { query: () => new Promise(() => {}) } as unknown as Link
    let isDefective = false
    const submit = (work: (link: Link) => Promise<unknown>): { outcome: Promise<unknown> } => {
      isDefective = !isDefective
      void work(isDefective ? silent : answering)
      return { outcome: isDefective ? Promise.reject(DEFECT) : Promise.resolve() }
    }
    const answering = { warnings: 0, query: async () => [{ id: 7, created_at: 1, lsn: '0/10' }] } as unknown as Link
    const lane = new InsertLane({ pool: { submit } as unknown as Pool, origin: 'DB1' })
    const drawn = lane.submit('first', null, '')
    const later = lane.submit('later', null, '')
    await expect(drawn.outcome).rejects.toBe(DEFECT)
    await expect(later.outcome).resolves.toMatchObject({ record: { id: 7, message: 'later' } })
  })

  it('before anybody was drawn is the answer of all who wait', async () => {
    let submitted = 0
    const submit = (): { outcome: Promise<unknown> } => {
      // A lane that tries again at once would never let this test go on.
      if (++submitted > 10) return { outcome: new Promise(() => {}) }
      return { outcome: Promise.reject(DEFECT) }
    }
    const lane = new InsertLane({ pool: { submit } as unknown as Pool, origin: 'DB1' })
    const writes = [lane.submit('first', null, ''), lane.submit('second', null, '')]
    for (const { outcome } of writes) await expect(outcome).rejects.toBe(DEFECT)
    expect([submitted, lane.waiting]).toEqual([1, 0])
  })
})
