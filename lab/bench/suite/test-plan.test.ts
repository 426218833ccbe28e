import { describe, expect, test } from 'vitest'
import type { BenchOptions } from '../results/bench-record.ts'
import { planMatrix, planNoiseFloor, planSaturatedMatrix, type PlannedTest } from './test-plan.ts'

const OPTIONS: BenchOptions = {
  stages: ['stage1', 'stage2'],
  configurations: ['balanced', 'single'],
  loads: ['light', 'stress'],
  runs: 4,
  cpuPerInstance: 0.1,
  ratePerSecond: null,
  runtime: 'native',
  seed: 7,
  isQuick: false,
}

function pairsOf(tests: readonly PlannedTest[]): PlannedTest[][] {
  return Array.from({ length: tests.length / 2 }, (_, index) => tests.slice(index * 2, index * 2 + 2))
}

describe('the order of tests', () => {
  test('has each test of the matrix once', () => {
    const names = planMatrix(OPTIONS).map(({ stage, configuration, load, run }) => `${stage} ${configuration} ${load} ${run}`)
    expect(names).toHaveLength(2 * 2 * 2 * 4)
    expect(new Set(names).size).toBe(names.length)
  })

  test('puts the two configurations of a pair next to each other, alike in everything else', () => {
    for (const [first, second] of pairsOf(planMatrix(OPTIONS))) {
      expect(first!.configuration).not.toBe(second!.configuration)
      expect({ ...first, configuration: null }).toEqual({ ...second, configuration: null })
    }
  })

  test('alternates who goes first: A B, B A, A B, B A', () => {
    const firsts = pairsOf(planMatrix(OPTIONS))
      .filter(([first]) => first!.stage === 'stage1' && first!.load === 'light')
      .map(([first]) => first!.configuration)
    expect(firsts).toEqual(['balanced', 'single', 'balanced', 'single'])
  })

  test('finishes a whole run of everything before the next one begins', () => {
    const runs = planMatrix(OPTIONS).map(({ run }) => run)
    expect(runs).toEqual(runs.toSorted((a, b) => a - b))
  })

  test('gives each run another seed, and its pair the same', () => {
    expect(new Set(planMatrix(OPTIONS).map(({ run, seed }) => `${run} ${seed}`))).toEqual(new Set(['1 7', '2 8', '3 9', '4 10']))
  })

  test('takes the shares away in the saturated matrix, which is shorter', () => {
    const saturated = planSaturatedMatrix({ ...OPTIONS, loads: ['light', 'medium', 'intensive', 'stress'] })
    expect(saturated.every(({ cpuPerInstance }) => cpuPerInstance === null)).toBe(true)
    expect(new Set(saturated.map(({ load }) => load))).toEqual(new Set(['medium', 'stress']))
    expect(planSaturatedMatrix({ ...OPTIONS, loads: ['light'] })).not.toEqual([])
  })

  test('compares the same with the same for the noise floor', () => {
    for (const [a, b] of planNoiseFloor(OPTIONS)) expect(a).toEqual(b)
    const of = (changes: Partial<BenchOptions>): string[] => [
      ...new Set(planNoiseFloor({ ...OPTIONS, ...changes }).map(([{ stage, configuration, load }]) => `${stage} ${configuration} ${load}`)),
    ]
    expect(of({ loads: ['light', 'medium', 'stress'] })).toEqual(['stage1 balanced medium'])
    expect(of({ loads: ['light', 'medium', 'stress'], isQuick: true })).toEqual(['stage1 balanced light'])
    expect(of({ loads: ['stress'], stages: ['stage2'] })).toEqual(['stage2 balanced stress'])
  })
})
