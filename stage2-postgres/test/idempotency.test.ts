/** Idempotency keys live in a table with their writes, and not for ever. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import type { WriteOptions } from '@relais/shared/store/store.ts'
import { ForgetKeys } from '../store/forget-keys.ts'
import { eventually, PostgresCluster } from './postgres-cluster.ts'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await PostgresCluster.start({ nodes: ['db1'] })
})
afterAll(() => cluster.close())

const write = (idempotencyKey: string): WriteOptions => ({ idempotencyKey, deadlineMs: Date.now() + 5_000 })

it('remembers keys when the service was started again', async () => {
  const first = await cluster.service('db1').store.insert('once', write('restart'))
  await cluster.service('db1').close()
  cluster.startService('db1')
  await cluster.serviceReady('db1')
  const { store } = cluster.service('db1')
  expect((await store.insert('once', write('restart'))).value).toEqual(first.value)
  await expect(store.insert('another', write('restart'))).rejects.toMatchObject({ slug: 'idempotency-key-reused' })
})

it('takes a batch of new, repeated and misused keys apart', async () => {
  const { store } = cluster.service('db1')
  const known = await store.insert('known', write('known'))
  const results = await Promise.allSettled([
    store.insert('new', write('new')),
    store.insert('known', write('known')),
    store.insert('misused', write('known')),
    store.insert('no key', { deadlineMs: Date.now() + 5_000 }),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ value: { value: known.value } })
})

it('refuses only the writes whose keys another session holds, and none of their neighbours', async () => {
  const { store } = cluster.service('db1')
  const held = [1, 5, 9, 13, 17].map((n) => `held-${n}`)
  const keys = Array.from({ length: 20 }, (_, n) => (held.includes(`held-${n}`) ? `held-${n}` : `free-${n}`))
  const first = store.insert('before them', write('before'))
  const results = await cluster.sql('db1', 'app', async (sql) => {
    await sql`BEGIN`
    for (const key of held)
      await sql`INSERT INTO idempotency_keys (key, fingerprint, record_id, origin, created_at, updated_at) VALUES (${key}, '', 0, '', now(), now())`
    const answers = await Promise.allSettled(keys.map((key) => store.insert(key, write(key))))
    await sql`ROLLBACK`
    return answers
  })
  await first
  const refused = results.flatMap((result, n) => (result.status === 'rejected' ? [[keys[n], result.reason as unknown]] : []))
  expect(refused).toEqual(held.map((key) => [key, expect.objectContaining({ slug: 'store-unavailable', definite: false })]))
  // Nobody holds them any more, and whoever waits for a lock has a second for it again.
  for (const key of held) expect((await store.insert(key, write(key))).value.message).toBe(key)
})

it('forgets keys when their lifetime is over, and only those', async () => {
  const { store } = cluster.service('db1')
  await store.insert('old', write('old'))
  await cluster.sql('db1', 'app', (sql) => sql`UPDATE idempotency_keys SET kept_at = now() - interval '1 hour'`)
  await store.insert('young', write('young'))
  const connections = cluster.connectionsTo('db1')
  const forget = new ForgetKeys({ pool: connections.pool('changes'), ensurePossible: () => {}, log: SILENT_LOG, everyMs: 20 })
  try {
    await eventually(async () => {
      const rows = await cluster.sql('db1', 'app', (sql) => sql<{ key: string }[]>`SELECT key FROM idempotency_keys`)
      expect(rows.map(({ key }) => key)).toEqual(['young'])
    })
  } finally {
    forget.close()
    await connections.close()
  }
})
