/**
 * The figures of the report's tables, against what they are by hand: a reader sees no more of a run than these.
 */
import { describe, expect, test } from 'vitest'
import { exampleRecord } from '../../test/support/example-record.ts'
import type { BenchRecord, Repetition } from '../results/bench-record.ts'
import { benchReport } from './bench-report.ts'
import type { KeyFigure, TableBlock } from './report-document.ts'

const [EXAMPLE] = exampleRecord().repetitions as [Repetition]

/** Two runs with load balancing, two without; a third pair is broken, and would be seen in every figure. */
function run(number: number, change: Partial<Repetition>): Repetition {
  return { ...EXAMPLE, run: number, brokenBecause: null, requested: 100, connections: 10, durationS: 10, instances: [], ...change }
}

function tablesOf(record: BenchRecord): TableBlock[] {
  return benchReport(record).sections.flatMap(({ blocks }) =>
    blocks.flatMap((block) => (block.kind === 'table' ? [block] : block.kind === 'chart' ? [block.table] : [])),
  )
}

/** Plain spaces and no tildes of any kind, so that a row can be read here. */
function rowsOf(record: BenchRecord, caption: string): string[] {
  const found = tablesOf(record).filter((table) => table.caption.startsWith(caption))
  expect(found).toHaveLength(1)
  return found[0]!.rows.map((row) => row.join(' | ').replaceAll(/[\u00A0\u202F]/g, ' '))
}

function figuresOf(record: BenchRecord): Map<string, KeyFigure> {
  const figures = benchReport(record).sections.flatMap(({ blocks }) => blocks.flatMap((one) => (one.kind === 'figures' ? one.figures : [])))
  return new Map(figures.map((figure) => [figure.label, figure]))
}

describe('the tables of a load', () => {
  const outcomes = (served: number) => ({ ...EXAMPLE.outcomes, served, refused: 100 - served })
  const latency = (ms: number) => ({ meanMs: ms, p50Ms: ms / 2, p90Ms: ms * 2, p95Ms: ms * 3, p99Ms: ms * 4, maxMs: ms * 5 })
  const used = (cpuS: number, memoryMiB: number) => [{ name: 'db1', cpuS, memoryMiB }]
  const balanced = { configuration: 'balanced' } as const
  const single = { configuration: 'single', replication: null } as const
  const lag = { lagRecordsMax: 7, lagMsP50: 1.25, lagMsMax: 30, caughtUpAfterMs: 12, samples: [] }
  const record = exampleRecord({
    repetitions: [
      run(1, {
        ...balanced,
        goodputPerSecond: 300,
        throughputPerSecond: 310,
        transferKiBPerSecond: 10,
        outcomes: outcomes(100),
        latency: latency(20),
        instances: used(2, 60),
        distribution: { reads: { db1: 10, db2: 30 }, writes: { db1: 20 }, moved: 2 },
        replication: lag,
        reads: { checked: 80, stale: 3, staleByMax: 2 },
      }),
      run(2, {
        ...balanced,
        goodputPerSecond: 500,
        throughputPerSecond: 510,
        transferKiBPerSecond: 20,
        outcomes: outcomes(98),
        latency: latency(40),
        instances: used(4, 80),
        distribution: { reads: { db1: 10, db2: 50 }, writes: { db1: 5 }, moved: 1 },
        replication: { ...lag, lagRecordsMax: 9 },
        reads: { checked: 90, stale: 0, staleByMax: 0 },
      }),
      run(3, { ...balanced, brokenBecause: 'db2 ended', goodputPerSecond: 9_000 }),
      run(1, { ...single, goodputPerSecond: 100, latency: latency(80), instances: used(8, 90), outcomes: outcomes(90) }),
      run(2, { ...single, goodputPerSecond: 250, latency: latency(80), instances: used(6, 90), outcomes: outcomes(80) }),
    ],
  })

  test('have the mean and the spread of the whole runs, and the gain of their pairs', () => {
    // The geometric mean of 300/100 and 500/250.
    expect(rowsOf(record, 'Goodput')[0]).toMatch(/^light \| 400 ± 141 \| 175 ± 106 \| \+144\.9 % \[/)
    expect(rowsOf(record, 'What the protocol asks for')[0]).toBe(
      'light, balanced | 2 (+ 1 broken) | 400 ± 141 | 410 ± 141 | 15.0 ± 7.1 | 1.00 % | 30.0 ± 14.1 | 15.0 ± 7.1 | 60.0 ± 28.3 | 90.0 ± 42.4 | 120.0 ± 56.6 | 150.0 ± 70.7',
    )
    expect(rowsOf(record, 'What the protocol asks for')[1]).toMatch(/^light, single \| 2 \| 175 ± 106 \| .* \| 15\.00 % \| 80\.0 ± 0\.0 \|/)
  })

  test('have latencies side by side, and their ratio the same way round', () => {
    // The geometric mean of 20/80 and 40/80.
    expect(rowsOf(record, 'Latency in milliseconds, and balanced')[0]).toMatch(
      /^light \| 15\.0 \/ 40\.0 \| 60\.0 \/ 160\.0 \| 90\.0 \/ 240\.0 \| 120\.0 \/ 320\.0 \| 0\.35 \[/,
    )
  })

  test('have each instance’s share of a core, over the time of the run', () => {
    expect(rowsOf(record, 'CPU (% of a core)')).toEqual(['db1 | 30.0 ± 14.1 | 70.0 ± 14.1 | 70 ± 14 | 90 ± 0'])
  })

  test('have who served the reads and who took the writes, all runs together', () => {
    expect(rowsOf(record, 'Requests by database')).toEqual([
      'light, reads | 20 (20.0 %) | 80 (80.0 %) | 3',
      'light, writes | 25 (100.0 %) | 0 (0.0 %) | ',
    ])
  })

  test('have the databases’ own counts where nobody read a balancer’s log, and then no read is known to have moved', () => {
    const repetitions = record.repetitions.map((one) => ({ ...one, reconciliation: { counts: { client: 100 }, differences: [] } }))
    expect(rowsOf({ ...record, repetitions }, 'Requests by database')[0]).toBe('light, reads | 20 (20.0 %) | 80 (80.0 %) | –')
    const captionOf = (of: BenchRecord) => tablesOf(of).find(({ caption }) => caption.startsWith('Requests by database'))!.caption
    expect(captionOf(record)).toContain('from Nginx’s logs')
    expect(captionOf({ ...record, repetitions: [...repetitions.slice(0, 1), ...record.repetitions.slice(1)] })).toContain(
      'as the databases counted',
    )
  })

  test('have how far the replicas were behind, run by run', () => {
    expect(rowsOf(record, 'Replication lag')).toEqual([
      'light, run 1 | 7 | 1.3 | 30.0 | 12 | 3 of 80, by at most 2 writes',
      'light, run 2 | 9 | 1.3 | 30.0 | 12 | 0 of 90, by at most 0 writes',
    ])
  })

  test('are summed up in figures that leave the broken run out', () => {
    const figures = figuresOf(record)
    expect(figures.get('Requests without a right answer')).toMatchObject({ value: '8.000 %', detail: '32 of 400', tone: 'warning' })
    expect(figures.get('Acknowledged writes lost or repeated')).toMatchObject({ value: '0', tone: 'good' })
    const lost = record.repetitions.map((one, index) => ({
      ...one,
      writes: { ...one.writes, acknowledged: 50, missing: index, repeated: 1 },
    }))
    // Not the 2 and the 1 of the broken one.
    expect(figuresOf({ ...record, repetitions: lost }).get('Acknowledged writes lost or repeated')).toMatchObject({
      value: `${0 + 1 + 3 + 4 + 4}`,
      detail: 'of 200',
      tone: 'bad',
    })
  })
})

describe('the tables of the experiments', () => {
  test('hold what three databases gain against what their costs allow', () => {
    const pairs = (a: readonly number[], b: readonly number[]) => ({ a: 'three', b: 'one', ratesA: a, ratesB: b })
    const capacity = {
      ...exampleRecord().capacity!,
      readsThreeAgainstOne: pairs([240, 240], [100, 100]),
      writesThreeAgainstOne: pairs([50, 50], [100, 100]),
      mixThreeAgainstOne: pairs([180, 180], [100, 100]),
      byDatabases: [1, 2, 3, 4].map((databases) => ({ databases, rates: [90, 110].map((rate) => rate * databases) })),
      costs: { readCpuMs: 0.5, readAloneCpuMs: 0.4, writeAloneCpuMs: 0.25, writeOnPrimaryCpuMs: 0.4, applyOnReplicaCpuMs: 0.2 },
      mixReadsOnPrimary: 0.2,
    }
    // Reads: 3. Writes: all on the primary, 0.25 / 0.4. The mix: 3 × 0.45 / 0.56, and 0.45 / 0.2 with the reads that the primary was given.
    expect(rowsOf(exampleRecord({ capacity }), 'Three databases against one')).toEqual([
      'reads only | 2.40 [2.40, 2.40] | 3.00 | 80 % | 2',
      'writes only | 0.50 [0.50, 0.50] | 0.63 | 80 % | 2',
      '80 % reads, 20 % writes | 1.80 [1.80, 1.80] | 2.41 | 75 % | 2',
    ])
    const text = JSON.stringify(benchReport(exampleRecord({ capacity })))
    expect(text).toContain('it gave the primary 20.0 % of the reads')
    expect(text).toContain('predict 2.25 times the rate of one database; 1.80 [1.80, 1.80] was measured, 80 % of the prediction')
    expect(text).toContain('Here: contention 0.0000, coherency 0.000000, no peak.')
    expect(rowsOf(exampleRecord({ capacity }), 'Right answers per second by databases')[3]).toBe('4 | 400 ± 57 | 396 | 2')
    const proof = 'Three sizes determine three coefficients'
    expect(text).not.toContain(proof)
    expect(JSON.stringify(benchReport(exampleRecord()))).toContain(proof)
    const [reads] = rowsOf(exampleRecord({ capacity: { ...capacity, costs: null } }), 'Three databases against one')
    expect(reads).toBe('reads only | 2.40 [2.40, 2.40] | costs not measured | – | 2')
  })

  test('count the tenths of a second in which a pause let nobody be answered, and all that were not', () => {
    const at = (atMs: number, served: number) => ({ atMs, served, maxMs: 1, p50Ms: 1 })
    const { pause } = exampleRecord()
    const open = {
      latency: { meanMs: 1, p50Ms: 2, p90Ms: 3, p95Ms: 4, p99Ms: 950, maxMs: 1_000 },
      outcomes: { served: 21, wrong: 1, refused: 2, timedOut: 3, lost: 4 },
      timeline: [at(0, 5), at(100, 7), at(400, 9)],
    }
    const record = exampleRecord({ pause: { ...pause!, open } })
    expect(rowsOf(record, 'Tenths of a second')[0]).toMatch(/whatever happens \| 2 \| 5 \| 9$/)
    expect(rowsOf(record, 'Latency in milliseconds, including')[0]).toMatch(/ \| 2\.0 \| 3\.0 \| 4\.0 \| 950\.0 \| 1 000\.0 \| 21 \| 10$/)
  })

  test('have for each way and number of parallel queries its time, its answers and its errors', () => {
    const [first] = exampleRecord().aggregates
    const latency = { ...first!.latency, p50Ms: 100, p99Ms: 300 }
    const one = { ...first!, way: 'pooled-primary' as const, parallel: 30, latency }
    const aggregates = [
      { ...one, parallel: 100, run: 1, durationMs: 9_000, served: 100, tooManyClients: 0, otherErrors: 0 },
      { ...one, run: 1, durationMs: 1_000, served: 28, tooManyClients: 2, otherErrors: 0 },
      { ...one, run: 2, durationMs: 3_000, served: 25, tooManyClients: 4, otherErrors: 1, latency: { ...latency, p99Ms: 500 } },
    ]
    expect(rowsOf(exampleRecord({ aggregates }), 'The aggregate query')).toEqual([
      'one pool, primary, 30 | 2.00 ± 1.41 | 53 | 6 | 1 | 100 ± 0 | 400 ± 141',
      'one pool, primary, 100 | 9.00 | 100 | 0 | 0 | 100 | 300',
    ])
  })
})

describe('the tables of the account', () => {
  const one = run(1, { cpuPerInstance: null, goodputPerSecond: 100, latency: { ...EXAMPLE.latency, meanMs: 100 } })

  test('have what became of every request, and the most frequent failure', () => {
    const outcomes = { served: 90, wrong: 1, refused: 6, timedOut: 2, lost: 1 }
    const failures = { ECONNRESET: 1, '503': 6, timeout: 2 }
    const rows = rowsOf(
      exampleRecord({
        repetitions: [
          { ...one, outcomes, failures },
          { ...one, run: 2, outcomes },
        ],
      }),
      'Outcome classes',
    )
    expect(rows).toEqual([
      'stage1 balanced light 1, shared cores | 100 | 90 | 1 | 6 | 2 | 1 | 100 ✓ | 503 × 6',
      'stage1 balanced light 2, shared cores | 100 | 90 | 1 | 6 | 2 | 1 | 100 ✓ | none',
    ])
  })

  test('hold the runs against Little’s law, the report’s and the first of ours that is whole and closed', () => {
    const busy = { ...one, load: 'stress' as const, connections: 20 }
    const others = [
      { ...one, run: 2 },
      { ...busy, loop: 'open' as const },
      { ...one, load: 'medium' as const, brokenBecause: 'ended' },
    ]
    expect(rowsOf(exampleRecord({ repetitions: [one, busy, ...others] }), 'Little’s law')).toEqual([
      'the report, light (6.2), balanced | 2 326.0 | 433.7 | 1 009 | 100 | **no**',
      'the report, light (6.2), single | 1 928.9 | 518.5 | 1 000 | 100 | **no**',
      'the report, intensive (6.3.1), balanced | 1 994.0 | 250.7 | 500 | 500 | yes',
      'the report, intensive (6.3.1), single | 1 191.7 | 419.0 | 499 | 500 | yes',
      'stage1 balanced light 1, shared cores | 100.0 | 100.0 | 10 | 10 | yes',
      'stage1 balanced stress 1, shared cores | 100.0 | 100.0 | 10 | 20 | **no**',
    ])
  })

  test('say how much of a difference is noise, and where a difference was found that is none', () => {
    const noise = (ratesA: readonly number[], ratesB: readonly number[]): KeyFigure | undefined =>
      figuresOf(exampleRecord({ noiseFloor: { a: 'x', b: 'x', ratesA, ratesB } })).get('Noise: a configuration against itself')
    // ln 1.1 to both sides: their mean is 0, and 12.706 standard errors of it are 12.706 × ln 1.1.
    const factor = 1.1 ** 12.706
    expect(noise([110, 100], [100, 110])).toMatchObject({
      value: `−${(100 - 100 / factor).toFixed(1)} to +${(100 * factor - 100).toFixed(1)} %`,
      tone: 'warning',
    })
    expect(noise([100, 101], [101, 100])).toMatchObject({ tone: 'good' })
    expect(noise([110, 111, 112], [100, 100, 100])).toMatchObject({
      tone: 'bad',
      detail: expect.stringContaining('where there is none') as string,
    })
  })
})

describe('what stands first', () => {
  const GAIN = 'Load balancing, stage1, intensive, 0.1 of a core'

  test('is a gain with its factor, or a loss', () => {
    expect(figuresOf(exampleRecord()).get(GAIN)).toMatchObject({ value: '× 1.71', tone: 'good' })
    const repetitions = exampleRecord().repetitions.map((one) =>
      one.configuration === 'balanced' ? { ...one, goodputPerSecond: one.goodputPerSecond / 3 } : one,
    )
    expect(figuresOf(exampleRecord({ repetitions })).get(GAIN)).toMatchObject({ value: '× 0.57', tone: 'bad' })
  })

  test('is how many of the claims are upheld, as many as the table has', () => {
    const claims = benchReport(exampleRecord()).sections.find(({ id }) => id === 'claims')!
    const standings = rowsOf(exampleRecord(), 'Claim by claim').map((row) => /\*\*(.*?)\*\*/.exec(row)![1])
    const count = (standing: string): number => standings.filter((one) => one === standing).length
    const [upheld, not, inconclusive] = ['upheld', 'not upheld', 'inconclusive'].map(count)
    expect(new Set([upheld, not, inconclusive]).size).toBe(3)
    expect(claims.blocks[0]).toMatchObject({
      text: expect.stringContaining(
        `Of ${standings.length} comparisons with a claim of the report, ${upheld} uphold it, ${not} do not, and ${inconclusive} are inconclusive.`,
      ) as string,
    })
  })

  test('is the CPU of the heaviest load, where the instances are asked for most', () => {
    const captions = tablesOf(exampleRecord()).flatMap(({ caption }) => (caption.startsWith('CPU') ? [caption] : []))
    expect(captions.map((caption) => /under (\w+)/.exec(caption)![1])).toEqual(['stress', 'stress'])
  })

  test('is whether the counts agree, and in how many runs they do not', () => {
    const said = (record: BenchRecord) => JSON.stringify(benchReport(record).sections.find(({ id }) => id === 'account'))
    expect(said(exampleRecord())).toContain('and the services agree.')
    const repetitions = exampleRecord().repetitions.map((one, index) =>
      index < 2 ? { ...one, reconciliation: { ...one.reconciliation, differences: ['1 too few'] } } : one,
    )
    expect(said(exampleRecord({ repetitions }))).toContain('In 2 runs the counts differ')
    expect(said(exampleRecord({ repetitions: repetitions.slice(1) }))).toContain('In 1 run the counts differ')
  })
})
