import { describe, expect, test } from 'vitest'
import type { BenchRecord, Machine, Repetition } from '../results/bench-record.ts'
import { BENCH_OPTIONS, readBenchRequest, type BenchRequest } from './bench-options.ts'
import { brokenRepetition, measureTest, type TestSteps } from './measure-test.ts'
import { runBench, type BenchTools } from './run-bench.ts'
import { SILENT } from './show-progress.ts'
import { parseArguments } from '../../command-line/parse-arguments.ts'
import { exampleRecord } from '../../test/support/example-record.ts'
import type { PlannedTest } from './test-plan.ts'

const MACHINE: Machine = { cpuModel: 'none', cores: 2, memoryMiB: 1, kernel: 'none', versions: {}, cpuLimit: 'none' }

function request(...args: string[]): BenchRequest {
  return readBenchRequest(parseArguments('bench', args, BENCH_OPTIONS, 0), {})
}

/** A repetition that served everything; no cluster, no load. */
function fine(test: PlannedTest): Repetition {
  const outcomes = { served: 10, wrong: 0, refused: 0, timedOut: 0, lost: 0 }
  return { ...brokenRepetition(test, ''), brokenBecause: null, requested: 10, outcomes, goodputPerSecond: 100 }
}

interface Fake extends BenchTools {
  releases: number
}

function fakeTools(overrides: Partial<BenchTools> = {}): Fake {
  const never = (): Promise<never> => Promise.reject(new Error('not asked for'))
  const fake: Fake = {
    releases: 0,
    machine: () => Promise.resolve(MACHINE),
    generatorLimit: never,
    test: (test) => Promise.resolve(fine(test)),
    pause: never,
    capacity: never,
    aggregates: never,
    release: () => {
      fake.releases += 1
      return Promise.resolve()
    },
    remarks: () => [],
    impossible: () => null,
    notes: () => [],
    ...overrides,
  }
  return fake
}

interface Kept {
  readonly raw: string[]
  readonly records: BenchRecord[]
}

async function bench(
  asked: BenchRequest,
  tools: BenchTools,
  signal = new AbortController().signal,
): Promise<Kept & { record: BenchRecord }> {
  const kept: Kept = { raw: [], records: [] }
  const output = { writeRaw: (name: string) => kept.raw.push(name), writeRecord: (record: BenchRecord) => kept.records.push(record) }
  return { ...kept, record: await runBench(asked, tools, output, SILENT, signal) }
}

const MATRIX = ['--matrix-only', '--stage', 'stage1', '--load', 'light', '--runs', '2']

describe('a bench', () => {
  test('is complete when every test was made, and has written each one by itself', async () => {
    const { record, raw } = await bench(request(...MATRIX), fakeTools())
    expect(record.isComplete).toBe(true)
    expect(raw).toEqual(['stage1-balanced-light-1', 'stage1-single-light-1', 'stage1-single-light-2', 'stage1-balanced-light-2'])
    expect(record.repetitions).toHaveLength(4)
  })

  test('keeps what is finished when it is ended, says that it is not complete, and stops everything', async () => {
    const controller = new AbortController()
    let made = 0
    const tools = fakeTools({
      test(test) {
        if (++made < 3) return Promise.resolve(fine(test))
        controller.abort()
        return Promise.reject(new Error('ended'))
      },
    })
    const { record, raw, records } = await bench(request(...MATRIX), tools, controller.signal)
    expect(record.isComplete).toBe(false)
    expect(raw).toEqual(['stage1-balanced-light-1', 'stage1-single-light-1'])
    expect(record.repetitions.map(({ configuration }) => configuration)).toEqual(['balanced', 'single'])
    expect(record.remarks).toEqual([])
    expect(records.at(-1)).toEqual(record)
    expect(made).toBe(3)
    expect(tools.releases).toBeGreaterThan(0)
  })

  test('goes on after a part that failed, remarks upon it, and is not complete', async () => {
    const tools = fakeTools({ generatorLimit: () => Promise.reject(new Error('no port')) })
    const { record } = await bench(request('--stage', 'stage1', '--load', 'light', '--runs', '1', '--quick'), tools)
    expect(record.isComplete).toBe(false)
    expect(record.generator).toBeNull()
    expect(record.remarks).toContain("Not measured: the generator's own limit. no port")
    expect(record.repetitions).toHaveLength(2)
    expect(record.noiseFloor!.ratesA.length).toBeGreaterThan(2)
    expect(new Set([...record.noiseFloor!.ratesA, ...record.noiseFloor!.ratesB])).toEqual(new Set([100]))
  })

  test('keeps a broken run with its reason, and does not take it into the noise floor', async () => {
    const tools = fakeTools({ test: (test) => Promise.resolve(brokenRepetition(test, 'db1 is gone')) })
    const { record } = await bench(request('--stage', 'stage1', '--load', 'light', '--runs', '1', '--quick'), tools)
    expect(record.repetitions.map(({ brokenBecause }) => brokenBecause)).toEqual(['db1 is gone', 'db1 is gone'])
    expect(record.noiseFloor).toBeNull()
  })
})

describe('the experiments beside the loads', () => {
  const limit = { closedLoopPerSecond: 20_000, openLoopPerSecond: 10_000 }
  const { pause, capacity, aggregates } = exampleRecord()
  const [one, two] = aggregates
  /** All of them can be made, and `done` tells in which order. */
  function experiments(done: string[] = [], overrides: Partial<BenchTools> = {}): Fake {
    return fakeTools({
      generatorLimit: () => (done.push('generator'), Promise.resolve(limit)),
      test: (test) => (done.push(test.cpuPerInstance === null ? 'saturated' : 'test'), Promise.resolve(fine(test))),
      pause: () => (done.push('pause'), Promise.resolve(pause!)),
      capacity(_, remark) {
        done.push('capacity')
        remark('Nine connections were enough.')
        return Promise.resolve(capacity!)
      },
      aggregates(_, keep) {
        done.push('aggregates')
        keep(one!)
        keep(two!)
        return Promise.resolve()
      },
      release: () => (done.push('release'), Promise.resolve()),
      ...overrides,
    })
  }

  test('come in an order in which none meets what another one left running, and are all kept', async () => {
    const done: string[] = []
    const { record, raw } = await bench(request('--load', 'stress', '--runs', '1'), experiments(done))
    const four = ['test', 'test', 'test', 'test']
    const noise = Array.from({ length: 20 }, () => 'test')
    const beside = ['pause', 'release', 'capacity', 'release', 'aggregates', 'release']
    const saturated = four.map(() => 'saturated')
    expect(done).toEqual(['generator', ...noise, ...four, ...beside, ...saturated, 'release', 'release'])
    expect(record).toMatchObject({ isComplete: true, generator: limit, pause, capacity, aggregates: [one, two] })
    expect(record.remarks).toEqual(['Nine connections were enough.'])
    expect(raw.slice(0, 3)).toEqual(['generator', 'aa-1-first', 'aa-1-second'])
    expect(raw.slice(-8, -4)).toEqual([
      'pause',
      'capacity',
      ...[one, two].map((run) => `aggregate-${run!.way}-${run!.parallel}-${run!.run}`),
    ])
    expect(raw.slice(-4)).toContain('stage2-balanced-stress-saturated-1')
  })

  test('that cannot be made here are none and a remark, and the bench is complete', async () => {
    const done: string[] = []
    const impossible = (experiment: string): string | null => (experiment === 'pause' ? 'Containers are not paused.' : null)
    const { record } = await bench(request('--stage', 'stage1', '--quick'), experiments(done, { impossible }))
    expect(record).toMatchObject({ isComplete: true, pause: null, capacity, aggregates: [] })
    expect(record.remarks[0]).toBe('Not measured: one database paused for a second. Containers are not paused.')
    expect(done).not.toContain('aggregates')
  })

  test('that are cut short keep what they have', async () => {
    const controller = new AbortController()
    const tools = experiments([], {
      aggregates(_, keep) {
        keep(one!)
        controller.abort()
        return Promise.reject(new Error('ended'))
      },
    })
    const { record } = await bench(request('--load', 'light', '--runs', '1', '--quick'), tools, controller.signal)
    expect(record).toMatchObject({ isComplete: false, aggregates: [one] })
  })

  test('take the same test as A and as B in turn, for what differs between the first and the second is no noise', async () => {
    let rate = 0
    const { record } = await bench(
      request('--stage', 'stage1', '--quick', '--runs', '1'),
      experiments([], { test: (test) => Promise.resolve({ ...fine(test), goodputPerSecond: ++rate }) }),
    )
    expect(record.noiseFloor).toEqual({
      a: 'stage1 balanced light',
      b: 'stage1 balanced light, again',
      ratesA: [1, 4, 5],
      ratesB: [2, 3, 6],
    })
  })
})

describe('one test', () => {
  const planned: PlannedTest = {
    stage: 'stage1',
    configuration: 'balanced',
    load: 'light',
    run: 1,
    cpuPerInstance: null,
    ratePerSecond: null,
    seed: 1,
  }
  const unmade = (): Promise<never> => Promise.reject(new Error('the database does not answer'))
  const nothing = (): Promise<void> => Promise.resolve()
  const going = new AbortController().signal

  test('is broken, with the reason, when it cannot be reset', async () => {
    const steps: TestSteps = { reset: unmade, warmUp: nothing, run: unmade, checkWrites: unmade }
    const repetition = await measureTest(planned, steps, going)
    expect(repetition).toMatchObject({ brokenBecause: 'the database does not answer', requested: 0, goodputPerSecond: 0 })
  })

  test('is broken when requests cannot be accounted for', async () => {
    const whole = fine(planned)
    const counted = { ...whole, outcomes: { ...whole.outcomes, served: 9 } }
    const { instances, distribution, replication, reconciliation } = whole
    const steps: TestSteps = {
      reset: nothing,
      warmUp: nothing,
      run: () =>
        Promise.resolve({
          load: {
            ...counted,
            requestIdPrefix: '',
            isAborted: false,
            notSent: 0,
            lastAcknowledgedAtMs: null,
            outcomesOfReads: counted.outcomes,
            outcomesOfWrites: counted.outcomes,
            timeline: [],
            generatorBusyShare: 0,
            startedAtMs: 0,
            endedAtMs: 0,
          },
          instances,
          distribution,
          replication,
          reconciliation,
        }),
      checkWrites: () => Promise.resolve(whole.writes),
    }
    expect((await measureTest(planned, steps, going)).brokenBecause).toBe('10 requests were asked for, 9 are accounted for')
  })

  test('is nobody’s result when it was cut short', async () => {
    const controller = new AbortController()
    const steps: TestSteps = {
      reset: nothing,
      warmUp() {
        controller.abort()
        return Promise.resolve()
      },
      run: unmade,
      checkWrites: unmade,
    }
    await expect(measureTest(planned, steps, controller.signal)).rejects.toThrow('aborted')
  })
})
