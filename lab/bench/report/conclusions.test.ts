/** The sentences' figures, against what they are by hand: many will read nothing else. When they change sides: lab/test/bench-report.test.ts. */
import { expect, test } from 'vitest'
import { exampleRecord } from '../../test/support/example-record.ts'
import type { AggregateWay, BenchRecord, Repetition } from '../results/bench-record.ts'
import { conclusionSentences } from './conclusions.ts'

function said(record: BenchRecord, about: string): string {
  const sentences = conclusionSentences(record).filter((sentence) => sentence.startsWith(`**${about}`))
  expect(sentences).toHaveLength(1)
  return sentences[0]!.replaceAll('\u202F', ' ')
}

test('errors are counted over the whole runs of each side', () => {
  const [first] = exampleRecord().repetitions as [Repetition]
  const run = (
    configuration: 'balanced' | 'single',
    requested: number,
    served: number,
    brokenBecause: string | null = null,
  ): Repetition => ({
    ...first,
    configuration,
    requested,
    outcomes: { ...first.outcomes, served },
    brokenBecause,
  })
  const repetitions = [run('balanced', 1_000, 999), run('balanced', 2_000, 2_000), run('single', 500, 480), run('single', 400, 0, 'ended')]
  expect(said(exampleRecord({ repetitions }), 'Errors')).toContain(
    'with load balancing, 1 of 3 000 requests did not get a right answer; without it, 20 of 500.',
  )
})

test('the gain of each kind of request is that of three databases against one', () => {
  const pairs = (a: number, b: number) => ({ a: 'three', b: 'one', ratesA: [a, a], ratesB: [b, b] })
  const capacity = {
    ...exampleRecord().capacity!,
    readsThreeAgainstOne: pairs(290, 100),
    writesThreeAgainstOne: pairs(90, 100),
    mixThreeAgainstOne: pairs(200, 100),
  }
  expect(said(exampleRecord({ capacity }), 'Where the gain comes from')).toContain(
    'serve 2.90 [2.90, 2.90] times the reads of one, 0.90 [0.90, 0.90] times the writes, and 2.00 [2.00, 2.00] times the mix',
  )
})

test('the PostgreSQL test is told by its 500 parallel queries, each way by itself', () => {
  const [first] = exampleRecord().aggregates
  const run = (way: AggregateWay, durationMs: number, tooManyClients: number, otherErrors: number, parallel = 500) => ({
    ...first!,
    way,
    parallel,
    durationMs,
    tooManyClients,
    otherErrors,
  })
  const bare = [run('connection-a-query-primary', 1_000, 300, 0), run('connection-a-query-primary', 1_000, 400, 0)]
  const pooled = [run('pooled-primary', 16_000, 0, 0), run('pooled-primary', 18_000, 0, 0), run('pooled-primary', 1_000, 9, 9, 100)]
  const balanced = [run('pooled-db-lb', 6_000, 1, 2), run('pooled-db-lb', 7_000, 0, 0)]
  const sentence = said(exampleRecord({ aggregates: [...bare, ...pooled, ...balanced] }), 'The PostgreSQL test')
  expect(sentence).toContain('70 % are refused with “too many clients”')
  expect(sentence).toContain('in front of the same server, there are 0 errors, and all of them together take 17.0 s')
  expect(sentence).toContain('through db-lb, there are 3 errors, and they take 6.5 s')
  expect(sentence).toContain('a matter of connections')
  // Where nothing was refused, a pool has prevented nothing.
  const answered = bare.map((one) => ({ ...one, tooManyClients: 0 }))
  expect(said(exampleRecord({ aggregates: [...answered, ...pooled, ...balanced] }), 'The PostgreSQL test')).not.toContain('a matter of')
  expect(conclusionSentences(exampleRecord({ aggregates: [...bare, ...pooled] })).join()).not.toContain('The PostgreSQL test')
})

test('a pause is told by the p99 of requests that keep arriving, and of clients that wait', () => {
  expect(said(exampleRecord(), 'How it is measured')).toContain(
    'pauses for 1 000 ms, p99 is 940 ms if requests keep arriving, and 14 ms if each client waits',
  )
})

test('shares and shared cores are told apart, stage by stage', () => {
  const { repetitions } = exampleRecord()
  const shared = repetitions.map((one) => ({ ...one, cpuPerInstance: null, goodputPerSecond: 100 }))
  const record = exampleRecord({ repetitions: [...repetitions, ...shared] })
  expect(said(record, 'Stage 2, each instance has 0.1 of a core')).toContain('light 1.71 [1.52, 1.92], medium 1.71 [')
  expect(said(record, 'Stage 2, all instances share the cores')).toContain('light 1.00 [1.00, 1.00], medium 1.00 [')
  expect(said(record, 'Stage 2, all instances share the cores')).toContain(
    'No difference can be shown under light, medium, intensive, stress.',
  )
})
