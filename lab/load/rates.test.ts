/** What rates say of a load that failed: it is fast, and good for nothing. */
import { expect, test } from 'vitest'
import { describeRates, ratesOf } from './rates.ts'
import type { Sample } from './send-load.ts'

const sample = (status: number | null, durationMs: number): Sample => ({ status, durationMs, servedBy: '', isSecondTry: false })

test('counts every answer for throughput, good ones for goodput, and neither for none', () => {
  const rates = ratesOf([sample(200, 10), sample(503, 1), sample(400, 1), sample(null, 8)], 2_000)
  expect(rates).toEqual({ seconds: 2, throughputPerS: 1.5, goodputPerS: 0.5, meanMs: 5, slowestMs: 10 })
  expect(describeRates(rates)).toBe('throughput 1.5/s   goodput 0.5/s   mean 5.0 ms   slowest 10.0 ms')
})

test('has no times without a request', () => {
  expect(ratesOf([], 1_000)).toMatchObject({ throughputPerS: 0, meanMs: null, slowestMs: null })
})

test('agrees with Little: in a closed loop rate times mean is the number of clients', () => {
  // Four clients, each busy from the beginning to the end.
  const { throughputPerS, meanMs } = ratesOf(
    Array.from({ length: 40 }, () => sample(200, 100)),
    1_000,
  )
  expect((throughputPerS * meanMs!) / 1000).toBe(4)
})
