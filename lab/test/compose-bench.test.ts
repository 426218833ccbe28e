/**
 * The bench on containers, as small as it can be, both ways: started by the lab through the engine, and in a container beside stages that
 * Compose started.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OUTCOMES, type BenchRecord } from '../bench/results/bench-record.ts'
import { docker, runCompose } from '../runtime/compose-engine.ts'
import { entryUrl, topologyOf } from '../topology.ts'
import { ask } from './support/ask.ts'
import { ComposeCluster, whyNoEngine } from './support/compose-cluster.ts'
import { BENCH_PORT_OFFSET } from './support/test-ports.ts'
import { TestCluster } from './test-cluster.ts'

const BENCH_MS = 280_000
const START_MS = 900_000
const SIZE = ['--quick', '--stage', 'stage1', '--load', 'light', '--runs', '1', '--matrix-only'] as const

const reason = await whyNoEngine()
const because = reason ? ` (skipped: ${reason})` : ''

describe.skipIf(reason !== undefined)(`the lab’s bench with --runtime compose${because}`, () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await TestCluster.create('stage1')
  })
  afterAll(() => cluster?.remove(), BENCH_MS)

  test('measures containers of its own, by the engine’s statistics and logs, and leaves none', { timeout: BENCH_MS }, async () => {
    const options = ['--runtime', 'compose', '--saturate', ...SIZE, `--port-offset=${BENCH_PORT_OFFSET}`]
    const { code, stdout, stderr } = await cluster.labWithin(BENCH_MS, 'bench', ...options)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('report.html')
    const { repetitions, machine } = recordIn(path.join(cluster.stateDirectory, 'runs'))
    expectWhole(repetitions)
    const names = repetitions.map(({ instances }) => instances.map(({ name }) => name))
    const { nodes, loadBalancers } = topologyOf('stage1')
    expect(names[0]).toEqual([...nodes, ...loadBalancers].map(({ name }) => name))
    // Every try is in the load balancers' logs.
    expect(repetitions[0]!.reconciliation.counts).toMatchObject({
      client: 1_000,
      'frontend-lb': 1_000,
      'backend-lb': 1_000,
      'db-lb': 1_000,
    })
    expect(machine.versions).toMatchObject({ nginx: expect.stringMatching(/^\d/), 'container engine': expect.stringMatching(/^\d/) })
    const left = await docker(['ps', '--all', '--quiet', '--filter', `publish=${entryPort()}`])
    expect(left).toBe('')
  })
})

describe.skipIf(reason !== undefined)(`the bench in a container${because}`, () => {
  let cluster: ComposeCluster
  let results: string
  beforeAll(async () => {
    cluster = await ComposeCluster.create('stage1')
    results = path.join(path.dirname(cluster.project.generatedDirectory('stage1')), 'results')
    mkdirSync(results, { recursive: true })
    await compose(['build', '--quiet', 'bench'])
  }, START_MS)
  afterAll(() => cluster?.remove(), BENCH_MS)

  test('measures what Compose started beside it, without the engine, and leaves the databases empty', { timeout: BENCH_MS }, async () => {
    await compose(['run', '--rm', '--no-TTY', 'bench', ...SIZE])
    const { repetitions, options } = recordIn(path.join(results, 'runs'))
    expect(options).toMatchObject({ runtime: 'compose', configurations: ['balanced', 'single'] })
    expectWhole(repetitions)
    expect(repetitions[0]!.instances.map(({ name }) => name)).toEqual(topologyOf('stage1').nodes.map(({ name }) => name))
    for (const { instances } of repetitions) expect(instances.filter(({ cpuS, memoryMiB }) => cpuS <= 0 || memoryMiB <= 0)).toEqual([])
    const { json } = await ask(`${entryUrl(cluster.topology, 'frontend')}/api/data`)
    expect(json).toMatchObject({ records: [] })
  })

  test('does not begin while there are records that nobody gave it', { timeout: BENCH_MS }, async () => {
    const written = await ask(`${entryUrl(cluster.topology, 'frontend')}/api/data`, { body: { message: 'mine' } })
    expect(written.status).toBe(201)
    await expect(compose(['run', '--rm', '--no-TTY', 'bench', ...SIZE])).rejects.toThrow('--empty')
    const { json } = await ask(`${entryUrl(cluster.topology, 'frontend')}/api/data`)
    expect(json).toMatchObject({ records: [{ message: 'mine' }] })
  })

  /** With the single variant and the bench. */
  async function compose(args: readonly string[]): Promise<void> {
    const { project, topology } = cluster
    const settings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null } as const
    const single = topologyOf('stage1', { single: true, portOffset: topology.nodes[0]!.port - topologyOf('stage1').nodes[0]!.port + 20 })
    await runCompose({
      args: [...project.arguments(topology), '--profile', 'stage1-single', '--profile', 'bench', ...args],
      environment: {
        ...project.environment(single, settings),
        ...project.environment(topology, settings),
        RELAIS_RESULTS_DIR: results,
        RELAIS_USER: `${process.getuid!()}:${process.getgid!()}`,
      },
      deadlineMs: BENCH_MS,
    })
  }
})

function recordIn(runs: string): BenchRecord {
  return JSON.parse(readFileSync(path.join(runs, 'latest', 'bench.json'), 'utf8')) as BenchRecord
}

/** One run of each configuration, every request accounted for, nothing acknowledged missing. */
function expectWhole(repetitions: BenchRecord['repetitions']): void {
  const made = repetitions.map(({ configuration, brokenBecause }) => ({ configuration, brokenBecause }))
  expect(made).toEqual([
    { configuration: 'balanced', brokenBecause: null },
    { configuration: 'single', brokenBecause: null },
  ])
  for (const { outcomes, writes, reconciliation, distribution } of repetitions) {
    expect(OUTCOMES.reduce((sum, name) => sum + outcomes[name], 0)).toBe(1_000)
    expect(outcomes.served).toBe(1_000)
    expect(writes).toMatchObject({ missing: 0, repeated: 0 })
    expect(reconciliation.differences).toEqual([])
    expect(distribution.writes['db1']).toBe(200)
  }
}

function entryPort(): number {
  return topologyOf('stage1', { portOffset: BENCH_PORT_OFFSET }).loadBalancers[0]!.port
}
