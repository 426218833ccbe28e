/** The three durability words: who must have confirmed before a write is answered, and what is said when they have not. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejectionOf } from '@relais/shared/test/rejection-of.ts'
import { Acknowledgements } from './acknowledgements.ts'

const DEADLINE_MS = 2_000

describe('a write', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }))
  afterEach(() => void vi.useRealTimers())

  it('that is async waits for nobody', async () => {
    const acknowledgements = new Acknowledgements(['db2', 'db3'], 'async')
    acknowledgements.ensurePossible(0)
    await expect(acknowledgements.durable(1, 0)).resolves.toBeUndefined()
  })

  it('that is quorum waits for one replica, whichever', async () => {
    const acknowledgements = new Acknowledgements(['db2', 'db3'], 'quorum')
    const answered = watch(acknowledgements.durable(5, DEADLINE_MS))
    acknowledgements.acknowledge('db2', 4)
    await turn()
    expect(answered()).toBe('waiting')
    acknowledgements.acknowledge('db3', 5)
    await turn()
    expect(answered()).toBe('durable')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that is all waits for every replica', async () => {
    const acknowledgements = new Acknowledgements(['db2', 'db3'], 'all')
    const answered = watch(acknowledgements.durable(5, DEADLINE_MS))
    acknowledgements.acknowledge('db2', 9)
    await turn()
    expect(answered()).toBe('waiting')
    acknowledgements.acknowledge('db3', 5)
    await turn()
    expect(answered()).toBe('durable')
  })

  it('is answered together with all that one confirmation covers, and with none above it', async () => {
    const acknowledgements = new Acknowledgements(['db2'], 'all')
    const waiting = [3, 1, 2, 4, 4, 5].map((lsn) => watch(acknowledgements.durable(lsn, DEADLINE_MS)))
    acknowledgements.acknowledge('db2', 2)
    await turn()
    expect(waiting.map((answered) => answered())).toEqual(['waiting', 'durable', 'durable', 'waiting', 'waiting', 'waiting'])
    acknowledgements.acknowledge('db2', 4)
    await turn()
    expect(waiting.map((answered) => answered())).toEqual(['durable', 'durable', 'durable', 'durable', 'durable', 'waiting'])
  })

  it('that was confirmed already waits no more', async () => {
    const acknowledgements = new Acknowledgements(['db2', 'db3'], 'quorum')
    acknowledgements.acknowledge('db3', 7)
    await expect(acknowledgements.durable(7, 0)).resolves.toBeUndefined()
  })

  it('that is not confirmed by its deadline is unknown: 504, definite: false', async () => {
    const acknowledgements = new Acknowledgements(['db2', 'db3'], 'quorum')
    const refused = rejectionOf(acknowledgements.durable(1, DEADLINE_MS))
    await vi.advanceTimersByTimeAsync(DEADLINE_MS)
    expect(await refused).toMatchObject({
      slug: 'replication-timeout',
      status: 504,
      definite: false,
    })
  })

  it('whose deadline passes takes none of the others with it', async () => {
    const acknowledgements = new Acknowledgements(['db2'], 'all')
    const [hasty, patient] = [DEADLINE_MS, 2 * DEADLINE_MS].map((deadlineMs) => watch(acknowledgements.durable(1, deadlineMs)))
    await vi.advanceTimersByTimeAsync(DEADLINE_MS)
    expect([hasty!(), patient!()]).toEqual(['refused', 'waiting'])
    acknowledgements.acknowledge('db2', 1)
    await turn()
    expect([hasty!(), patient!()]).toEqual(['refused', 'durable'])
  })

  it.each([
    ['quorum', 0, 'durability "quorum" needs 1 of 2 replicas, 0 can be reached'],
    ['all', 1, 'durability "all" needs 2 of 2 replicas, 1 can be reached'],
  ] as const)('that is %s is refused before it is made when %i replicas can be reached', (durability, reachable, detail) => {
    const acknowledgements = new Acknowledgements(['db2', 'db3'], durability)
    expect(() => acknowledgements.ensurePossible(reachable)).toThrow(
      expect.objectContaining({ slug: 'not-enough-replicas', definite: true, message: detail }),
    )
    acknowledgements.ensurePossible(2)
  })

  it('without replicas needs none of them', async () => {
    for (const durability of ['async', 'quorum', 'all'] as const) {
      const acknowledgements = new Acknowledgements([], durability)
      acknowledgements.ensurePossible(0)
      await expect(acknowledgements.durable(1, 0)).resolves.toBeUndefined()
    }
  })
})

function watch(promise: Promise<void>): () => string {
  let state = 'waiting'
  promise.then(
    () => (state = 'durable'),
    () => (state = 'refused'),
  )
  return () => state
}

async function turn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}
