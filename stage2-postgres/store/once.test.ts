import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Problem } from '@relais/shared/http/problem.ts'
import { NotSent, type Submitted } from './job.ts'
import { Once } from './once.ts'

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

/** A write that waits for its turn until the test sends it, and for its answer until the test gives it. */
class Waiting implements Submitted<string> {
  isSent = false
  isDropped = false
  readonly outcome: Promise<string>
  answer!: (value: string) => void
  #reject!: (error: unknown) => void

  constructor() {
    this.outcome = new Promise((resolve, reject) => {
      this.answer = resolve
      this.#reject = reject
    })
  }

  drop(): void {
    this.isDropped = true
    this.#reject(new NotSent('overloaded', 'it was taken back before its turn'))
  }
}

const newOnce = (): Once => new Once({ ensurePossible: () => {}, isSynchronous: () => false })
const never = (): never => {
  throw new Error('a repeat begins nothing')
}
/** What a caller is told, as it will be. */
function told(outcome: Promise<string>): Promise<unknown> {
  return outcome.catch(({ slug, definite }: { slug: string; definite: boolean }) => [slug, definite])
}

it('a write that a repeat waits for is not taken back at the deadline of who began it', async () => {
  const once = newOnce()
  const write = new Waiting()
  const first = told(once.run({ idempotencyKey: 'k', deadlineMs: 100 }, 'f', () => write))
  const repeat = told(once.run({ idempotencyKey: 'k', deadlineMs: 200 }, 'f', never))
  await vi.advanceTimersByTimeAsync(100)
  expect(await first).toEqual(['outcome-unknown', false])
  expect(write.isDropped).toBe(false)
  write.isSent = true
  write.answer('made')
  expect(await repeat).toBe('made')
})

it('a write that was not sent is taken back when the last of those who wait for it leaves', async () => {
  const once = newOnce()
  const write = new Waiting()
  const first = told(once.run({ idempotencyKey: 'k', deadlineMs: 200 }, 'f', () => write))
  const repeat = told(once.run({ idempotencyKey: 'k', deadlineMs: 100 }, 'f', never))
  await vi.advanceTimersByTimeAsync(100)
  expect([await repeat, write.isDropped]).toEqual([['outcome-unknown', false], false])
  await vi.advanceTimersByTimeAsync(100)
  expect(write.isDropped).toBe(true)
  // Its repeat was told that it may have happened, so this answer does not say the opposite.
  expect(await first).toEqual(['overloaded', false])
})

it('a refusal is certain under a key of which nothing is unknown', async () => {
  const write = new Waiting()
  const only = told(newOnce().run({ idempotencyKey: 'k', deadlineMs: 100 }, 'f', () => write))
  await vi.advanceTimersByTimeAsync(100)
  expect([await only, write.isDropped]).toEqual([['overloaded', true], true])
})

it('another write under a key is certainly not made, whatever became of the first', async () => {
  const once = newOnce()
  const write = new Waiting()
  write.isSent = true
  const first = told(once.run({ idempotencyKey: 'k', deadlineMs: 100 }, 'f', () => write))
  await vi.advanceTimersByTimeAsync(100)
  expect(await first).toEqual(['outcome-unknown', false])
  expect(await told(once.run({ idempotencyKey: 'k', deadlineMs: 200 }, 'other', never))).toEqual(['idempotency-key-reused', true])
})

it('a write that was answered is no longer on its way: the next one under its key is begun, and finds it in the table', async () => {
  const once = newOnce()
  for (const value of ['made', 'made before']) {
    const write = new Waiting()
    const outcome = told(once.run({ idempotencyKey: 'k', deadlineMs: 100 }, 'f', () => write))
    write.answer(value)
    expect(await outcome).toBe(value)
  }
})

it.each(['k', undefined])('a write that cannot be made now is not begun, under the key %j', async (idempotencyKey) => {
  const ensurePossible = (): never => {
    throw new Problem('store-unavailable', { detail: 'too few standbys' })
  }
  const once = new Once({ ensurePossible, isSynchronous: () => true })
  const write = idempotencyKey === undefined ? { deadlineMs: 100 } : { idempotencyKey, deadlineMs: 100 }
  expect(await told(once.run(write, 'f', never))).toEqual(['store-unavailable', true])
})
