/**
 * Where a list in memory begins, where it ends, by number and by size, and what it asks of replication before it answers. The rest of the
 * primary's store is in the contract.
 */
import { expect, it } from 'vitest'
import { Problem } from '@relais/shared/http/problem.ts'
import type { Replication } from '../replication/replication.ts'
import { PrimaryStore } from './primary-store.ts'
import { ReplicatedList } from './replicated-list.ts'

const FULL = { slug: 'store-full', status: 503, definite: true }

interface Bounds {
  readonly recordsMax?: number
  readonly charactersMax?: number
}

function unopened(bounds: Bounds = {}): PrimaryStore {
  const list = new ReplicatedList()
  list.beginEpoch(1)
  return new PrimaryStore({ name: 'db1', list, durability: 'async', ...bounds })
}

function open(bounds: Bounds, asked: Partial<Replication> = {}): PrimaryStore {
  const store = unopened(bounds)
  const alone: Pick<Replication, 'ensurePossible' | 'committed' | 'durable'> = {
    ensurePossible: () => {},
    committed: () => {},
    durable: async () => {},
  }
  store.open({ ...alone, ...asked } as Replication)
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

it('takes no write and answers no read before it is opened, and says what it waits for', async () => {
  const store = unopened()
  expect(store.notReadyBecause()).toBe('starting')
  store.waitFor('the list of db2')
  expect(store.notReadyBecause()).toBe('the list of db2')
  const asked = [store.insert('a', soon()), store.replace(1, 'a', soon()), store.remove(1, soon()), store.get(1), store.page({ limit: 1 })]
  for (const one of asked) await expect(one).rejects.toMatchObject({ slug: 'not-ready', message: 'the list of db2', definite: true })
})

it('makes no write that replication says is not possible', async () => {
  const refuse = (): never => {
    throw new Problem('not-enough-replicas')
  }
  const store = open({}, { ensurePossible: refuse })
  await expect(store.insert('a', soon())).rejects.toMatchObject({ slug: 'not-enough-replicas', definite: true })
  expect((await store.page({ limit: 10 })).value.records).toEqual([])
})

it('hands a write to replication, and answers it and its repeat once it is as durable as asked', async () => {
  const [confirmed, calls, deadlineMs] = [Promise.withResolvers<void>(), [] as unknown[][], Date.now() + 10_000]
  const store = open(
    {},
    {
      committed: ({ lsn }) => void calls.push(['committed', lsn]),
      durable: (...asked) => (calls.push(['durable', ...asked]), confirmed.promise),
    },
  )
  let answers = 0
  const write = (): Promise<unknown> => store.insert('a', { idempotencyKey: 'k', deadlineMs }).finally(() => answers++)
  const [first, repeat] = [write(), write()]
  await new Promise(setImmediate)
  expect(answers).toBe(0)
  confirmed.resolve()
  expect(await repeat).toEqual(await first)
  expect(calls).toEqual([
    ['committed', 1],
    ['durable', 1, deadlineMs],
    ['durable', 1, deadlineMs],
  ])
})
