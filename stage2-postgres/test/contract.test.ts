/** Stage 2 holds the store contract, over a real cluster with streaming replication. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boundPage } from '@relais/shared/store/page-bound.ts'
import { describeStoreContract } from '@relais/shared/store/store.contract.ts'
import { PostgresCluster } from './postgres-cluster.ts'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await PostgresCluster.start()
})
afterAll(() => cluster.close())

// One cluster for all of it, emptied before each test: making one takes seconds.
describeStoreContract('PostgreSQL', async () => {
  await cluster.empty()
  return {
    primary: cluster.service('db1').store,
    replicas: [cluster.service('db2').store, cluster.service('db3').store],
    close: async () => {},
  }
})

describe('a page of long messages', () => {
  it.each(['x', 'é', '𝒳'])('is read from PostgreSQL as far as its bound, and no record further: %s', async (character) => {
    await cluster.empty()
    const { store } = cluster.service('db1')
    const message = character.repeat(10_000)
    const writes = await Promise.all(Array.from({ length: 100 }, () => store.insert(message, { deadlineMs: Date.now() + 10_000 })))
    const whole = writes.map(({ value }) => value).toReversed()
    const expected = boundPage({ records: whole, next: null })
    expect(expected.next).not.toBeNull()
    for (const name of ['db1', 'db2'] as const) {
      const node = cluster.service(name).store
      expect(await node.reach(writes.at(-1)!.position, 10_000)).toBe(true)
      expect((await node.page({ limit: 1_000 })).value).toEqual(expected)
      const older = boundPage({ records: whole.slice(10), next: null })
      expect((await node.page({ limit: 1_000, before: whole[9]!.id })).value).toEqual(older)
      expect((await node.page({ limit: 5 })).value).toEqual({ records: whole.slice(0, 5), next: whole[4]!.id })
    }
  })
})
