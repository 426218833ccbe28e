import { describe, expect, it } from 'vitest'
import { headersOf, RequestPlan, type PlannedRequest } from './request-plan.ts'

const OPTIONS = { requests: 1_000, writeShare: 0.2, readPath: '/api/data', seed: 7 }

function all(plan: RequestPlan): PlannedRequest[] {
  return Array.from({ length: plan.requests }, () => plan.next()!)
}

describe('the plan of a run', () => {
  it('has exactly the share of writes that was asked for, whatever the seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const writes = all(new RequestPlan({ ...OPTIONS, seed })).filter(({ write }) => write)
      expect(writes).toHaveLength(200)
    }
  })

  it('mixes them: no tenth of the run is without writes or has more than twice its share', () => {
    const kinds = all(new RequestPlan(OPTIONS)).map(({ write }) => (write ? 1 : 0))
    for (let start = 0; start < 1_000; start += 100) {
      const writes = kinds.slice(start, start + 100).reduce<number>((sum, one) => sum + one, 0)
      expect(writes).toBeGreaterThan(0)
      expect(writes).toBeLessThan(40)
    }
  })

  it('gives the same order for the same seed and another for another', () => {
    const order = (seed: number): string =>
      all(new RequestPlan({ ...OPTIONS, seed }))
        .map(({ method }) => method[0])
        .join('')
    expect(order(7)).toBe(order(7))
    expect(order(7)).not.toBe(order(8))
  })

  it('never writes the same message, nor under the same key, in two runs of one seed', () => {
    const writes = [...all(new RequestPlan(OPTIONS)), ...all(new RequestPlan(OPTIONS))].flatMap(({ write }) => write ?? [])
    expect(new Set(writes.map(({ message }) => message)).size).toBe(400)
    expect(new Set(writes.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(400)
  })

  it('names every request with a request id that services accept, and ends', () => {
    const plan = new RequestPlan(OPTIONS)
    const requests = all(plan)
    expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(1_000)
    for (const request of requests) {
      expect(headersOf(request)['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,64}$/)
      expect(request.requestId.startsWith(plan.requestIdPrefix)).toBe(true)
    }
    expect(plan.next()).toBeUndefined()
  })
})
