/**
 * What every `Store` must show, in executable form: each stage calls `describeStoreContract` with a way to make one.
 *
 * Behaviour stands here once. A stage that needs an exception to it has found a difference that clients would see.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Problem } from '../http/problem.ts'
import { comparePositions, parsePosition } from './position.ts'
import type { Store, StoredRecord, WriteOptions } from './store.ts'

export interface ContractCluster {
  readonly primary: Store
  /** At least one; each follows the primary. */
  readonly replicas: readonly Store[]
  close(): Promise<void>
}

const REACH_MS = 5_000

/** `open` makes an empty cluster with an asynchronous primary and running replication. */
export function describeStoreContract(name: string, open: () => Promise<ContractCluster>): void {
  describe(`the store contract: ${name}`, () => {
    let cluster: ContractCluster
    let primary: Store
    let replica: Store

    beforeEach(async () => {
      cluster = await open()
      primary = cluster.primary
      replica = cluster.replicas[0]!
    })
    afterEach(() => cluster.close())

    const write = (idempotencyKey?: string): WriteOptions => ({ idempotencyKey, deadlineMs: Date.now() + REACH_MS })
    const insertMany = async (count: number): Promise<StoredRecord[]> => {
      const records: StoredRecord[] = []
      for (let n = 1; n <= count; n++) records.push((await primary.insert(`message ${n}`, write())).value)
      return records
    }

    it('is ready, and knows its role', async () => {
      expect(primary.role).toBe('primary')
      expect(replica.role).toBe('replica')
      expect(await primary.notReadyBecause()).toBeUndefined()
      expect(await replica.notReadyBecause()).toBeUndefined()
    })

    it('gives an inserted record an id, its origin and its times', async () => {
      const beforeMs = Date.now()
      const { value } = await primary.insert('hello', write())
      expect(value).toMatchObject({ message: 'hello', origin: 'DB1' })
      expect(value.createdAtMs).toBe(value.updatedAtMs)
      expect(Math.abs(value.createdAtMs - beforeMs)).toBeLessThan(60_000)
    })

    it('numbers records one after the other', async () => {
      const ids = (await insertMany(5)).map(({ id }) => id)
      expect(ids).toEqual([1, 2, 3, 4, 5].map((n) => ids[0]! + n - 1))
    })

    it('keeps ids in commit order and answers each of many concurrent inserts with its own record', async () => {
      const messages = Array.from({ length: 200 }, (_, n) => `concurrent ${n}`)
      const answers = await Promise.all(messages.map((message) => primary.insert(message, write())))
      expect(answers.map(({ value }) => value.message)).toEqual(messages)
      expect(new Set(answers.map(({ value }) => value.id)).size).toBe(messages.length)
      const { value } = await primary.page({ limit: 1000 })
      expect(value.records.map(({ id }) => id)).toEqual(answers.map(({ value: record }) => record.id).toSorted((a, b) => b - a))
    })

    it.each(['a', '𝒳'.repeat(10_000), 'line\nbreak\ttab', `quotes ' " \\ $1 %s`, 'مرحبا', '\u0001\u001f', '{"json":true}'])(
      'stores a message to the letter: %#',
      async (message) => {
        const { value } = await primary.insert(message, write())
        expect((await primary.get(value.id)).value?.message).toBe(message)
      },
    )

    it('finds a record by its id, and nothing by another', async () => {
      const { value } = await primary.insert('find me', write())
      expect((await primary.get(value.id)).value).toEqual(value)
      expect((await primary.get(value.id + 1000)).value).toBeUndefined()
      expect((await primary.get(Number.MAX_SAFE_INTEGER)).value).toBeUndefined()
    })

    it('replaces a message and keeps everything else', async () => {
      const { value: before } = await primary.insert('before', write())
      const { value: after } = await primary.replace(before.id, 'after', write())
      expect(after).toEqual({ ...before, message: 'after', updatedAtMs: after.updatedAtMs })
      expect(after.updatedAtMs).toBeGreaterThanOrEqual(before.updatedAtMs)
      expect((await primary.get(before.id)).value).toEqual(after)
    })

    it('removes a record, and does not give its id again', async () => {
      const [first, second] = await insertMany(2)
      await primary.remove(second!.id, write())
      expect((await primary.get(second!.id)).value).toBeUndefined()
      const { value: third } = await primary.insert('third', write())
      expect(third.id).toBeGreaterThan(second!.id)
      const { value } = await primary.page({ limit: 10 })
      expect(value.records.map(({ id }) => id)).toEqual([third.id, first!.id])
    })

    it('refuses to replace or remove what is not there', async () => {
      await expect(primary.replace(424_242, 'x', write())).rejects.toMatchObject({ slug: 'not-found' })
      await expect(primary.remove(424_242, write())).rejects.toMatchObject({ slug: 'not-found' })
    })

    describe('pages', () => {
      it('are empty when there is nothing', async () => {
        expect((await primary.page({ limit: 20 })).value).toEqual({ records: [], next: null })
      })

      it('are newest first, and chain without a gap or a repeat', async () => {
        const records = await insertMany(25)
        const seen: number[] = []
        let before: number | undefined
        do {
          const { value } = await primary.page({ limit: 10, before })
          seen.push(...value.records.map(({ id }) => id))
          before = value.next ?? undefined
        } while (before !== undefined)
        expect(seen).toEqual(records.map(({ id }) => id).toReversed())
      })

      it('of long messages chain in the same way, wherever they end', async () => {
        const long = '𝒳'.repeat(10_000)
        const records = await Promise.all(Array.from({ length: 40 }, () => primary.insert(long, write())))
        const seen: number[] = []
        let before: number | undefined
        do {
          const { value } = await primary.page({ limit: 1000, before })
          seen.push(...value.records.map(({ id }) => id))
          before = value.next ?? undefined
        } while (before !== undefined)
        expect(seen).toEqual(records.map(({ value }) => value.id).toReversed())
      })

      it('say that nothing follows when the last record is on them', async () => {
        await insertMany(10)
        const { value } = await primary.page({ limit: 10 })
        expect(value.records).toHaveLength(10)
        expect(value.next).toBeNull()
      })

      it('do not shift when records are inserted or removed between them', async () => {
        const records = await insertMany(10)
        const first = (await primary.page({ limit: 4 })).value
        await primary.insert('newer', write())
        await primary.remove(first.records[3]!.id, write())
        const second = (await primary.page({ limit: 4, before: first.next! })).value
        expect(second.records.map(({ id }) => id)).toEqual(
          records
            .slice(2, 6)
            .map(({ id }) => id)
            .toReversed(),
        )
      })
    })

    describe('idempotency keys', () => {
      it('give a repeated insert one effect and the same answer', async () => {
        const first = await primary.insert('once', write('key-1'))
        const again = await primary.insert('once', write('key-1'))
        expect(again.value).toEqual(first.value)
        expect((await primary.page({ limit: 10 })).value.records).toHaveLength(1)
      })

      it('give concurrent repeats one effect', async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => primary.insert('once', write('key-2'))))
        expect(new Set(answers.map(({ value }) => value.id)).size).toBe(1)
        expect((await primary.page({ limit: 10 })).value.records).toHaveLength(1)
      })

      it('refuse another write under the same key, and change nothing', async () => {
        const { value } = await primary.insert('mine', write('key-3'))
        await expect(primary.insert('other', write('key-3'))).rejects.toMatchObject({ slug: 'idempotency-key-reused' })
        await expect(primary.replace(value.id, 'mine', write('key-3'))).rejects.toMatchObject({ slug: 'idempotency-key-reused' })
        await expect(primary.remove(value.id, write('key-3'))).rejects.toMatchObject({ slug: 'idempotency-key-reused' })
        expect((await primary.page({ limit: 10 })).value.records).toEqual([value])
      })

      it('cover replacing and removing', async () => {
        const { value } = await primary.insert('first', write())
        const replaced = await primary.replace(value.id, 'second', write('key-4'))
        await primary.replace(value.id, 'third', write())
        expect((await primary.replace(value.id, 'second', write('key-4'))).value).toEqual(replaced.value)
        expect((await primary.get(value.id)).value?.message).toBe('third')
        await primary.remove(value.id, write('key-5'))
        await expect(primary.remove(value.id, write('key-5'))).resolves.toMatchObject({ value: undefined })
      })

      it('of a replacement refuse another message and another record, those of a removal another record', async () => {
        const [one, other] = await insertMany(2)
        const reused = { slug: 'idempotency-key-reused' }
        await primary.replace(one!.id, 'changed', write('key-6'))
        await expect(primary.replace(one!.id, 'message 2', write('key-6'))).rejects.toMatchObject(reused)
        await expect(primary.replace(other!.id, 'changed', write('key-6'))).rejects.toMatchObject(reused)
        await primary.remove(one!.id, write('key-7'))
        await expect(primary.remove(other!.id, write('key-7'))).rejects.toMatchObject(reused)
        expect((await primary.page({ limit: 10 })).value.records).toEqual([other])
      })

      it('give the answer to a repeat a position that shows the write', async () => {
        const inserted = await primary.insert('once', write('key-8'))
        const removed = await primary.remove(inserted.value.id, write('key-9'))
        const repeats = [await primary.insert('once', write('key-8')), await primary.remove(inserted.value.id, write('key-9'))]
        for (const [index, { position }] of [inserted, removed].entries())
          expect(comparePositions(repeats[index]!.position, position)).toBeGreaterThanOrEqual(0)
      })
    })

    describe('positions', () => {
      it('grow with every write and can be read back from their text', async () => {
        const first = await primary.insert('one', write())
        const second = await primary.insert('two', write())
        expect(comparePositions(second.position, first.position)).toBeGreaterThan(0)
        expect(parsePosition(primary.formatPosition(second.position))).toEqual(second.position)
      })

      it('of a read include every write acknowledged before it', async () => {
        const { value, position } = await primary.insert('seen', write())
        expect(await replica.reach(position, REACH_MS)).toBe(true)
        for (const store of [primary, replica]) {
          const reads = [await store.page({ limit: 1 }), await store.get(value.id), await store.get(value.id + 1)]
          const read = [...reads.map((one) => one.position), await store.position()]
          expect(read.filter((one) => comparePositions(one, position) < 0)).toEqual([])
        }
      })

      it('once reached by a replica, show the write there', async () => {
        const inserted = await primary.insert('replicated', write())
        expect(await replica.reach(inserted.position, REACH_MS)).toBe(true)
        expect((await replica.get(inserted.value.id)).value).toEqual(inserted.value)
        const replaced = await primary.replace(inserted.value.id, 'changed', write())
        expect(await replica.reach(replaced.position, REACH_MS)).toBe(true)
        expect((await replica.get(inserted.value.id)).value).toEqual(replaced.value)
        const removed = await primary.remove(inserted.value.id, write())
        expect(await replica.reach(removed.position, REACH_MS)).toBe(true)
        expect((await replica.get(inserted.value.id)).value).toBeUndefined()
      })

      it('that were never written are not reached', async () => {
        const { epoch, lsn } = (await primary.insert('last', write())).position
        expect(await replica.reach({ epoch: epoch + 1, lsn: lsn + 1 }, 50)).toBe(false)
      })
    })

    it('refuses every write on a replica', async () => {
      const { value } = await primary.insert('mine', write())
      const notPrimary = { name: 'Problem', slug: 'not-primary', definite: true }
      await expect(replica.insert('x', write())).rejects.toMatchObject(notPrimary)
      await expect(replica.replace(value.id, 'x', write())).rejects.toMatchObject(notPrimary)
      await expect(replica.remove(value.id, write())).rejects.toMatchObject(notPrimary)
      await expect(replica.insert('x', write())).rejects.toBeInstanceOf(Problem)
    })

    it('reports replication from both ends', async () => {
      const { position } = await primary.insert('observed', write())
      expect(await replica.reach(position, REACH_MS)).toBe(true)
      const upper = await primary.replication()
      expect(upper).toMatchObject({ role: 'primary', durability: 'async', upstream: null })
      expect(upper.replicas).toHaveLength(cluster.replicas.length)
      const lower = await replica.replication()
      expect(lower).toMatchObject({ role: 'replica', replicas: [] })
      expect(comparePositions(parsePosition(lower.position)!, position)).toBeGreaterThanOrEqual(0)
    })
  })
}
