/** More requests than connections: they wait, bounded, and are then refused by us; PostgreSQL never refuses one (53300). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Problem } from '@relais/shared/http/problem.ts'
import type { Store } from '@relais/shared/store/store.ts'
import { eventually, PostgresCluster } from './postgres-cluster.ts'

let cluster: PostgresCluster
let store: Store

beforeAll(async () => {
  cluster = await PostgresCluster.start({ nodes: ['db1'] })
  store = cluster.service('db1').store
})
afterAll(() => cluster.close())

const write = (): { deadlineMs: number } => ({ deadlineMs: Date.now() + 10_000 })

describe('a thousand calls at once', () => {
  it('are all served, over a bounded number of connections', async () => {
    const { value } = await store.insert('there', write())
    const calls = Array.from({ length: 1_000 }, (_, n): Promise<unknown> => {
      if (n % 5 === 0) return store.insert(`call ${n}`, write())
      if (n % 5 === 1) return store.replace(value.id, `call ${n}`, write())
      return n % 5 === 2 ? store.get(value.id) : store.page({ limit: 1 + (n % 50) })
    })
    const results = await Promise.allSettled(calls)
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
    const rows = await cluster.sql(
      'db1',
      'monitor',
      (sql) => sql`SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name LIKE 'db1-%'`,
    )
    expect(rows[0]!['open']).toBeLessThanOrEqual(48)
  })

  it('above every bound are refused with 503 and Retry-After', async () => {
    const results = await Promise.allSettled(Array.from({ length: 12_000 }, (_, n) => store.insert(`flood ${n}`, write())))
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    expect(refused.length).toBeGreaterThan(0)
    for (const problem of refused) {
      expect(problem).toBeInstanceOf(Problem)
      expect(problem).toMatchObject({ slug: 'overloaded', status: 503, definite: true, headers: { 'Retry-After': '1' } })
    }
  })

  it('survive connections that an administrator cuts', async () => {
    await cluster.sql(
      'db1',
      'admin',
      (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'db1-%'`,
    )
    await eventually(async () => void (await store.insert('after the cut', write())))
    await eventually(async () => expect((await store.page({ limit: 1 })).value.records[0]?.message).toBe('after the cut'))
  })
})

describe('one bad record in a batch', () => {
  it('fails alone', async () => {
    const results = await Promise.allSettled(
      ['good 1', '', 'good 2', 'nul \u0000', 'good 3'].map((message) => store.insert(message, write())),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    for (const reason of reasons) expect(reason).toMatchObject({ slug: 'invalid-content', definite: true })
  })
})
