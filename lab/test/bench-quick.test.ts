/**
 * A real bench, as small as one can be: one stage, the light load, one run, through the command line.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BenchRecord } from '../bench/results/bench-record.ts'
import { OUTCOMES } from '../bench/results/bench-record.ts'
import { findTakenPorts } from '../runtime/ports.ts'
import { portsIn, topologyOf } from '../topology.ts'
import { BENCH_PORT_OFFSET as portOffset } from './support/test-ports.ts'
import { TestCluster, type Outcome } from './test-cluster.ts'

describe('a small bench', () => {
  let cluster: TestCluster
  let outcome: Outcome
  let runs: string
  let record: BenchRecord
  beforeAll(async () => {
    cluster = await TestCluster.create('stage1')
    const size = ['--stage', 'stage1', '--load', 'light', '--runs', '1', '--matrix-only', '--saturate']
    outcome = await cluster.labWithin(150_000, 'bench', ...size, `--port-offset=${portOffset}`)
    runs = path.join(cluster.stateDirectory, 'runs')
    if (!existsSync(path.join(runs, 'latest', 'bench.json')))
      throw new Error(`exit code ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`)
    record = JSON.parse(readFileSync(path.join(runs, 'latest', 'bench.json'), 'utf8')) as BenchRecord
  }, 160_000)
  afterAll(() => cluster.remove())

  test('ends well and says where its report is', () => {
    expect(outcome.stderr).toBe('')
    expect(outcome.stdout).toContain('report.html')
    expect(outcome.code).toBe(0)
  })

  test('has one whole run of each configuration', () => {
    expect(record.isComplete).toBe(true)
    const made = record.repetitions.map(({ configuration, load, brokenBecause }) => ({ configuration, load, brokenBecause }))
    expect(made).toEqual([
      { configuration: 'balanced', load: 'light', brokenBecause: null },
      { configuration: 'single', load: 'light', brokenBecause: null },
    ])
  })

  test('accounts for every request, and serves every one of them', () => {
    for (const { requested, outcomes } of record.repetitions) {
      expect(requested).toBe(1_000)
      expect(OUTCOMES.reduce((sum, name) => sum + outcomes[name], 0)).toBe(requested)
      expect(outcomes.served).toBe(requested)
    }
  })

  test('finds every acknowledged write once in every database', () => {
    for (const { writes } of record.repetitions) {
      expect(writes.acknowledged).toBeGreaterThanOrEqual(200)
      expect(writes).toMatchObject({ missing: 0, repeated: 0 })
    }
  })

  test('agrees with what the servers and the load balancers counted', () => {
    for (const { reconciliation } of record.repetitions) {
      expect(reconciliation.differences).toEqual([])
      expect(Object.keys(reconciliation.counts)).not.toEqual([])
    }
  })

  test('sends writes to the primary alone, and reads to every database there is', () => {
    const [balanced, single] = record.repetitions
    expect(Object.keys(balanced!.distribution.reads).toSorted()).toEqual(['db1', 'db2', 'db3'])
    expect(Object.values(balanced!.distribution.reads).every((reads) => reads > 0)).toBe(true)
    expect(balanced!.distribution.writes).toMatchObject({ db1: 200, db2: 0, db3: 0 })
    expect(single!.distribution).toMatchObject({ reads: { db1: 800 }, writes: { db1: 200 } })
  })

  test('leaves its files and nothing that runs', async () => {
    const directory = path.join(runs, readlinkSync(path.join(runs, 'latest')))
    expect(readdirSync(directory).toSorted()).toEqual(['bench.json', 'raw', 'report.html', 'report.md'])
    expect(readdirSync(path.join(directory, 'raw'))).toHaveLength(2)
    expect(await findTakenPorts('127.0.0.1', portsIn(topologyOf('stage1', { portOffset })))).toEqual([])
    expect(await findTakenPorts('127.0.0.1', portsIn(topologyOf('stage1', { portOffset: portOffset + 20, single: true })))).toEqual([])
  })
})
