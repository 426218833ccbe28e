/** What a load comes to: failures are counted apart and never make it faster, and each tier is counted by itself. */
import { expect, test } from 'vitest'
import { describeLoad, percentile, summarize } from './summarize.ts'

const good = (durationMs: number, servedBy = 'frontend1, backend2, db3') => ({ status: 200, durationMs, servedBy, isSecondTry: false })

test('takes times from good answers only', () => {
  const summary = summarize([
    good(10),
    good(20),
    { status: 503, durationMs: 0.1, servedBy: '', isSecondTry: false },
    { status: 400, durationMs: 90, servedBy: '', isSecondTry: false },
    { status: null, durationMs: 0, servedBy: '', isSecondTry: false },
  ])
  expect(summary).toMatchObject({
    requests: 5,
    statuses: { '200': 2, '400': 1, '503': 1, 'no answer': 1 },
    p50Ms: 10,
    p90Ms: 20,
    p99Ms: 20,
  })
  expect(describeLoad(summary)).toContain('p50 10.0 ms   p90 20.0 ms   p99 20.0 ms')
  expect(describeLoad(summary)).toContain('these times are of the 2 answers below 400, and of no other request')
  expect(describeLoad(summarize([good(10)])).join()).not.toContain('these times')
})

test('counts each tier by instance, in the order of the way', () => {
  const summary = summarize([good(1), good(1, 'frontend2, backend2, db1')])
  expect(Object.keys(summary.tiers)).toEqual(['frontend', 'backend', 'db'])
  expect(summary.tiers).toEqual({ frontend: { frontend1: 1, frontend2: 1 }, backend: { backend2: 2 }, db: { db3: 1, db1: 1 } })
  expect(describeLoad(summary)).toContain('backend   backend2 × 2')
  expect(describeLoad(summary)).toContain('db        db1 × 1   db3 × 1')
})

test('says how many went out twice, and nothing of it where none did', () => {
  const lines = describeLoad(summarize([good(1), { ...good(1), isSecondTry: true }, { ...good(1), isSecondTry: true }]))
  expect(lines).toContain('2 of them sent twice: their kept connection had been closed')
  expect(describeLoad(summarize([good(1)])).join()).not.toContain('sent twice')
})

test('names a percentile that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
  expect([percentile(hundred, 50), percentile(hundred, 99), percentile([7], 99), percentile([], 50)]).toEqual([50, 99, 7, null])
})
