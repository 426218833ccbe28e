/** What retries at several tiers come to, counted at real services on loopback. */
import { expect, test } from 'vitest'
import { runStorm } from './retry-storm.ts'

test('three tiers with three attempts each make 27 requests of one', async () => {
  const { arrivals, statuses } = await runStorm({ requests: 5, attemptsMax: 3, tiersRetry: [true, true, true] })
  expect(arrivals).toEqual([5, 15, 45, 135])
  expect(statuses).toEqual({ 503: 5 })
})

test('only the tier next to the failure makes three of one', async () => {
  const { arrivals } = await runStorm({ requests: 5, attemptsMax: 3, tiersRetry: [false, false, true] })
  expect(arrivals).toEqual([5, 5, 5, 15])
})

test('nobody who retries makes one of one', async () => {
  const { arrivals } = await runStorm({ requests: 5, attemptsMax: 3, tiersRetry: [false, false, false] })
  expect(arrivals).toEqual([5, 5, 5, 5])
})
