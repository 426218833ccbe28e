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

test('a bottom that fails now and then costs little, and one tier that retries hides nearly all of it', async () => {
  // Every third call fails: 1 of 3 attempts, whoever makes them.
  let calls = 0
  const everyThird = (): number => (++calls % 3 === 0 ? 0 : 1)
  const options = { requests: 30, attemptsMax: 3, failingShare: 0.5, random: everyThird }
  const none = await runStorm({ ...options, tiersRetry: [false, false, false] })
  expect(none).toEqual({ arrivals: [30, 30, 30, 30], statuses: { 200: 20, 503: 10 } })
  calls = 0
  const one = await runStorm({ ...options, tiersRetry: [false, false, true] })
  expect(one.statuses[200]).toBeGreaterThan(20)
  expect(one.arrivals.at(-1)).toBeLessThan(50)
})

test('a bottom that does not fail is asked once by whoever might retry', async () => {
  const { arrivals, statuses } = await runStorm({ requests: 5, attemptsMax: 3, tiersRetry: [true, true, true], failingShare: 0 })
  expect(arrivals).toEqual([5, 5, 5, 5])
  expect(statuses).toEqual({ 200: 5 })
})
