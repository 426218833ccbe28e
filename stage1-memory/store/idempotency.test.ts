/** The keys that were used: kept long enough to recognise a repeat, and never without bound. */
import { describe, expect, it } from 'vitest'
import { IdempotencyKeys, type KeptAnswer } from './idempotency.ts'

const LIFETIME_MS = 15 * 60 * 1000

describe('idempotency keys', () => {
  it('give back the answer that was kept, and nothing for an unknown key', () => {
    const keys = new IdempotencyKeys()
    keys.add(answer('a', 1))
    expect(keys.get('a', 1)).toEqual(answer('a', 1))
    expect(keys.get('b', 1)).toBeUndefined()
    expect(keys.get('__proto__', 1)).toBeUndefined()
  })

  it('are good for fifteen minutes and not longer', () => {
    const keys = new IdempotencyKeys()
    keys.add(answer('a', 1_000))
    expect(keys.get('a', 1_000 + LIFETIME_MS)).toBeDefined()
    expect(keys.get('a', 1_001 + LIFETIME_MS)).toBeUndefined()
  })

  it('are at most as many as stated; the oldest goes first', () => {
    const keys = new IdempotencyKeys(3)
    for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) keys.add(answer(key, index))
    expect(keys.toArray().map(({ key }) => key)).toEqual(['b', 'c', 'd'])
    expect(keys.get('a', 4)).toBeUndefined()
  })

  it('are at most as large as stated, together with their messages', () => {
    const keys = new IdempotencyKeys(100, 10)
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) keys.add(answer(key, 1))
    expect(keys.toArray().map(({ key }) => key)).toEqual(['b', 'c', 'd', 'e', 'f'])
    keys.add(answer('f', 2))
    keys.add({ ...answer('g', 3), message: 'm'.repeat(7) })
    expect(keys.toArray().map(({ key }) => key)).toEqual(['f', 'g'])
  })

  it('are 100 000 unless told otherwise', () => {
    const keys = new IdempotencyKeys()
    for (let n = 0; n < 100_100; n++) keys.add(answer(`key ${n}`, 1))
    expect(keys.toArray()).toHaveLength(100_000)
    expect(keys.get('key 100', 1)).toBeDefined()
    expect(keys.get('key 99', 1)).toBeUndefined()
  })

  it('used again after they expired count as new, and as the youngest', () => {
    const keys = new IdempotencyKeys(2)
    keys.add(answer('a', 1))
    keys.add(answer('b', 2))
    keys.add(answer('a', 3))
    keys.add(answer('c', 4))
    expect(keys.toArray().map(({ key, atMs }) => [key, atMs])).toEqual([
      ['a', 3],
      ['c', 4],
    ])
  })
})

function answer(key: string, atMs: number): KeptAnswer {
  return { key, type: 'insert', id: 1, message: 'm', lsn: 1, createdAtMs: atMs, atMs, origin: 'DB1' }
}
