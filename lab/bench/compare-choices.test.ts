/** Choices compared in rounds: who comes first changes, the first choice is what the others are held against. */
import { expect, test } from 'vitest'
import { compareChoices, describeChoices, type Choice, type Measured } from './compare-choices.ts'

function choice(name: string, asked: string[], ratePerSecond: () => number): Choice {
  return {
    name,
    measure: () => {
      asked.push(name)
      return Promise.resolve({ ratePerSecond: ratePerSecond(), p50Ms: 1, p99Ms: 20, clientBusyShare: 0.5 })
    },
  }
}

test('warms up, and begins each round with another one', async () => {
  const asked: string[] = []
  await compareChoices(
    ['a', 'b', 'c'].map((name) => choice(name, asked, () => 1)),
    3,
  )
  expect(asked.join('')).toBe('abcabcbcacab')
})

test('measures one at a time, the warm-up included', async () => {
  let [measuring, most] = [0, 0]
  const measure = async (): Promise<Measured> => {
    most = Math.max(most, ++measuring)
    await Promise.resolve()
    measuring--
    return { ratePerSecond: 1, p50Ms: 1, p99Ms: 1, clientBusyShare: 0 }
  }
  await compareChoices(
    ['a', 'b', 'c'].map((name) => ({ name, measure })),
    2,
  )
  expect(most).toBe(1)
})

test('holds each against the first by the rounds’ pairs, whatever the machine does between them', async () => {
  // The first of each is the warm-up.
  const speeds = [1, 100, 50, 20, 10]
  const times = (factor: number): (() => number) => {
    const left = speeds.map((speed) => factor * speed)
    return () => left.shift()!
  }
  const [first, second] = await compareChoices([choice('a', [], times(1)), choice('b', [], times(3))], speeds.length - 1)
  expect(first).toMatchObject({ name: 'a', ratio: null, ratePerSecond: 35, p50Ms: 1, p99Ms: 20 })
  const three = expect.closeTo(3) as number
  expect(second).toMatchObject({ name: 'b', ratio: { ratio: three, low: three, high: three, pairs: 4 }, ratePerSecond: 105 })
})

test('says so where no difference is shown', () => {
  const figures = { ratePerSecond: 100, p50Ms: 1.234, p99Ms: 56.7, clientBusyShare: 0.5 }
  const text = describeChoices('Policies', [
    { name: 'round-robin', ratio: null, ...figures },
    { name: 'least-conn', ratio: { ratio: 1.02, low: 0.9, high: 1.16, pairs: 5 }, ...figures },
    { name: 'ip-hash', ratio: null, ...figures },
    { name: 'hash', ratio: { ratio: 0.5, low: 0.4, high: 0.6, pairs: 5 }, ...figures },
  ])
  expect(text.split('\n').slice(2)).toEqual([
    '| | rate, against round-robin | p50 ms | p99 ms | client busy |',
    '|---|---|---|---|---|',
    '| round-robin | 1 | 1.23 | 57 | 50 % |',
    '| least-conn | 1.02 [0.90, 1.16], no difference shown | 1.23 | 57 | 50 % |',
    '| ip-hash | two rounds are needed | 1.23 | 57 | 50 % |',
    '| hash | 0.50 [0.40, 0.60] | 1.23 | 57 | 50 % |',
  ])
})
