import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { COUNT_MAX, ForgetKeys } from './forget-keys.ts'
import type { Pool } from './pool.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A pool whose server has so many old keys. */
function poolWith(keys: number): { pool: Pick<Pool, 'submit'>; statements: number[] } {
  const statements: number[] = []
  let left = keys
  const submit = (): unknown => {
    const count = Math.min(left, COUNT_MAX)
    left -= count
    statements.push(count)
    return { outcome: Promise.resolve({ count }) }
  }
  return { pool: { submit } as unknown as Pick<Pool, 'submit'>, statements }
}

it('old keys are removed in one go, however many have gathered', async () => {
  const { pool, statements } = poolWith(2 * COUNT_MAX + 1)
  const forget = new ForgetKeys({ pool, ensurePossible: () => {}, log: SILENT_LOG, everyMs: 10 })
  await vi.advanceTimersByTimeAsync(10)
  expect(statements).toEqual([COUNT_MAX, COUNT_MAX, 1])
  await vi.advanceTimersByTimeAsync(10)
  expect(statements).toHaveLength(4)
  forget.close()
})

it('no more are removed once that is impossible, or the service ends', async () => {
  const { pool, statements } = poolWith(100 * COUNT_MAX)
  const forget = new ForgetKeys({
    pool,
    ensurePossible: () => {
      if (statements.length === 2) throw new Error('too few standbys')
      if (statements.length === 4) forget.close()
    },
    log: SILENT_LOG,
    everyMs: 10,
  })
  await vi.advanceTimersByTimeAsync(10)
  expect(statements).toHaveLength(2)
  statements.push(0)
  await vi.advanceTimersByTimeAsync(50)
  expect(statements).toHaveLength(5)
})
