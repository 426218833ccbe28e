/** Two ways in turn: who comes first changes with every pair, and each rate stays with the one who had it. */
import { expect, test } from 'vitest'
import { describeComparison, interleave } from './interleave.ts'

test('lets A and B change places with every pair, and holds each pair’s A against its B', async () => {
  const asked: string[] = []
  // Twice as slow from one pair to the next: what is left is B's half.
  const rate = (name: string, full: number) => async () => (asked.push(name), full / 2 ** Math.floor((asked.length - 1) / 2))
  const compared = await interleave(4, rate('A', 800), rate('B', 400))
  expect(asked.join('')).toBe('ABBAABBA')
  expect([compared.a, compared.b]).toEqual([
    [800, 400, 200, 100],
    [400, 200, 100, 50],
  ])
  expect(describeComparison('halves', compared)).toBe('halves: A/B 2.00 [2.00, 2.00]   A 300/s, B 150/s (medians of 4)')
})

test('claims no ratio of a single pair', async () => {
  const compared = await interleave(
    1,
    () => Promise.resolve(10),
    () => Promise.resolve(5),
  )
  expect(compared.ratio).toBeNull()
  expect(describeComparison('once', compared)).toBe('once: A/B: two pairs are needed   A 10/s, B 5/s (medians of 1)')
})
