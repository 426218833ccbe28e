/** Where a list in memory ends: by number, and by size. The rest of the primary's store is in the contract. */
import { expect, it } from 'vitest'
import type { Replication } from '../replication/replication.ts'
import { PrimaryStore } from './primary-store.ts'
import { ReplicatedList } from './replicated-list.ts'

const FULL = { slug: 'store-full', status: 503, definite: true }

function open(bounds: { readonly recordsMax?: number; readonly charactersMax?: number }): PrimaryStore {
  const list = new ReplicatedList()
  list.beginEpoch(1)
  const store = new PrimaryStore({ name: 'db1', list, durability: 'async', ...bounds })
  const alone: Pick<Replication, 'ensurePossible' | 'committed' | 'durable'> = {
    ensurePossible: () => {},
    committed: () => {},
    durable: async () => {},
  }
  store.open(alone as Replication)
  return store
}

const soon = () => ({ deadlineMs: Date.now() + 10_000 })

it('takes so many records and no more, until one is removed', async () => {
  const store = open({ recordsMax: 2 })
  const { value } = await store.insert('a', soon())
  await store.insert('b', soon())
  await expect(store.insert('c', soon())).rejects.toMatchObject(FULL)
  await store.remove(value.id, soon())
  await store.insert('c', soon())
})

it('takes messages of so many characters together, new ones and longer ones alike', async () => {
  const store = open({ charactersMax: 10 })
  const { value } = await store.insert('12345', soon())
  await store.insert('67890', soon())
  await expect(store.insert('x', soon())).rejects.toMatchObject(FULL)
  await expect(store.replace(value.id, '123456', soon())).rejects.toMatchObject(FULL)
  await store.replace(value.id, '1234', soon())
  await store.insert('x', soon())
  expect((await store.page({ limit: 10 })).value.records.map(({ message }) => message)).toEqual(['x', '67890', '1234'])
})
