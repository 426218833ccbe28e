import { describe, expect, it } from 'vitest'
import { SharedReads } from './shared-reads.ts'

/** Reads that end when the test says so. */
function controlled() {
  const begun: PromiseWithResolvers<number>[] = []
  const read = (): Promise<number> => {
    const one = Promise.withResolvers<number>()
    begun.push(one)
    return one.promise
  }
  return { begun, read }
}

describe('shared reads', () => {
  it('answer those who asked in the meantime by one read that began after they asked', async () => {
    const reads = new SharedReads<number>()
    const { begun, read } = controlled()
    const first = reads.ask('newest', read)
    const others = [reads.ask('newest', read), reads.ask('newest', read)]
    expect(begun).toHaveLength(1)
    begun[0]!.resolve(1)
    expect(await first).toBe(1)
    expect(begun).toHaveLength(2)
    begun[1]!.resolve(2)
    expect(await Promise.all(others)).toEqual([2, 2])
  })

  it('of different things do not wait for each other', () => {
    const reads = new SharedReads<number>()
    const { begun, read } = controlled()
    void reads.ask('newest', read)
    void reads.ask('older', read)
    expect(begun).toHaveLength(2)
  })

  it('share a failure, and begin anew after it', async () => {
    const reads = new SharedReads<number>()
    const { begun, read } = controlled()
    const first = reads.ask('newest', read)
    const second = reads.ask('newest', read)
    begun[0]!.reject(new Error('away'))
    await expect(first).rejects.toThrow('away')
    await expect(second).rejects.toThrow('away')
    const third = reads.ask('newest', read)
    begun[1]!.resolve(3)
    expect(await third).toBe(3)
  })
})
