import { describe, expect, test } from 'vitest'
import { BENCH_OPTIONS, readBenchRequest, type BenchRequest } from './bench-options.ts'
import { parseArguments } from '../../command-line/parse-arguments.ts'

const read = (...args: string[]): BenchRequest => readBenchRequest(parseArguments('bench', args, BENCH_OPTIONS, 0), {})

describe('the options of bench', () => {
  test('ask for both stages, all loads, five runs and a share when nothing is said', () => {
    const { options, hasExperiments, hasSaturatedMatrix } = read()
    expect(options).toMatchObject({ stages: ['stage1', 'stage2'], loads: ['light', 'medium', 'intensive', 'stress'], runs: 5, seed: 1 })
    expect(options.cpuPerInstance).toBeGreaterThan(0)
    expect([hasExperiments, hasSaturatedMatrix]).toEqual([true, true])
  })

  test('give --quick fewer loads and no saturated matrix, but both stages and configurations', () => {
    const { options, hasExperiments, hasSaturatedMatrix } = read('--quick')
    expect(options).toMatchObject({ stages: ['stage1', 'stage2'], configurations: ['balanced', 'single'], loads: ['light'], isQuick: true })
    expect([hasExperiments, hasSaturatedMatrix]).toEqual([true, false])
  })

  test('let what is given beside --quick count', () => {
    expect(read('--quick', '--runs', '5', '--load', 'stress').options).toMatchObject({ runs: 5, loads: ['stress'] })
  })

  test('keep stages and loads in their order, each once', () => {
    const { options } = read('--stage', 'stage2', '--stage', 'stage1', '--load', 'stress', '--load', 'light', '--load', 'stress')
    expect(options).toMatchObject({ stages: ['stage1', 'stage2'], loads: ['light', 'stress'] })
  })

  test('take away the shares with --saturate, and offer a rate with --rate', () => {
    expect(read('--saturate').options.cpuPerInstance).toBeNull()
    expect(read('--rate', '250').options.ratePerSecond).toBe(250)
  })

  test('use other ports than a lab that runs, and follow its offset', () => {
    expect(readBenchRequest(parseArguments('bench', [], BENCH_OPTIONS, 0), { RELAIS_PORT_OFFSET: '1000' }).portOffset).toBe(
      read().portOffset + 1_000,
    )
    expect(read().portOffset).not.toBe(0)
  })

  test.each([
    [['--load', 'heavy'], 'found "heavy"'],
    [['--stage', 'stage3'], 'found "stage3"'],
    [['--runs', '0'], 'found "0"'],
    [['--rate', 'fast'], 'found "fast"'],
    [['--saturate', '--cpu-per-instance', '0.1'], 'Leave out one of the two'],
  ])('refuse %j with what was found', (args, words) => {
    expect(() => read(...args)).toThrow(words)
  })
})
