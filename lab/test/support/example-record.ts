/**
 * A record as a bench could have left it, for tests of what is made of records. Its figures are made up and claim nothing.
 */
import {
  AGGREGATE_WAYS,
  CONFIGURATIONS,
  LOADS,
  type BenchRecord,
  type Configuration,
  type LatencySummary,
  type LoadName,
  type Repetition,
} from '../../bench/results/bench-record.ts'
import type { StageName } from '../../topology.ts'

const CONNECTIONS = { light: 100, medium: 200, intensive: 500, stress: 1_000 }
const REQUESTS = { light: 1_000, medium: 5_000, intensive: 10_000, stress: 15_000 }
const WOBBLE = [1, 1.04, 0.97]
/** In another rhythm, so that ratios have a spread. */
const OTHER_WOBBLE = [1.02, 0.99, 1.01]
/** Text from outside that would do harm if it reached the page as it is. */
export const HOSTILE = '<script>alert("1")</script> | a & b'

export function exampleRecord(changes: Partial<BenchRecord> = {}): BenchRecord {
  const stages = ['stage1', 'stage2'] as const
  const repetitions = stages.flatMap((stage) =>
    LOADS.flatMap((load) =>
      CONFIGURATIONS.flatMap((configuration) => WOBBLE.map((_, run) => repetitionOf(stage, configuration, load, run))),
    ),
  )
  return {
    format: 1,
    startedAt: '2026-11-24T01:00:00.000Z',
    endedAt: '2026-11-24T01:38:00.000Z',
    isComplete: true,
    options: {
      stages,
      configurations: CONFIGURATIONS,
      loads: LOADS,
      runs: 3,
      cpuPerInstance: 0.1,
      ratePerSecond: 400,
      runtime: 'native',
      seed: 7,
      isQuick: false,
    },
    machine: {
      cpuModel: 'Example CPU @ 2.40GHz',
      cores: 2,
      memoryMiB: 8_192,
      kernel: '6.1.0',
      versions: { node: '24.21.0', nginx: '1.22.1', postgres: '15.9', relais: 'unknown' },
      cpuLimit: 'each instance 0.1 of a core by cgroup v2',
    },
    generator: { closedLoopPerSecond: 21_400, openLoopPerSecond: 12_000 },
    noiseFloor: { a: 'balanced', b: 'balanced', ratesA: [900, 940, 910], ratesB: [910, 920, 915] },
    repetitions: repetitions.map((one, index) =>
      index === 4 ? { ...one, brokenBecause: `db2 ended: ${HOSTILE}`, goodputPerSecond: 1 } : one,
    ),
    capacity: {
      stage: 'stage1',
      cpuPerDatabase: 0.1,
      connections: 50,
      readsThreeAgainstOne: { a: 'three', b: 'one', ratesA: [3_300, 3_420, 3_350], ratesB: [1_150, 1_180, 1_140] },
      writesThreeAgainstOne: { a: 'three', b: 'one', ratesA: [610, 640, 600], ratesB: [640, 650, 660] },
      mixThreeAgainstOne: { a: 'three', b: 'one', ratesA: [1_900, 1_980, 1_940], ratesB: [980, 960, 990] },
      byDatabases: [1, 2, 3].map((databases) => ({ databases, rates: WOBBLE.map((wobble) => 1_150 * databases ** 0.97 * wobble) })),
      byConcurrency: [1, 4, 16, 64, 128].map((connections) => ({
        connections,
        rates: WOBBLE.map(
          (wobble) => ((520 * connections) / (1 + 0.13 * (connections - 1) + 0.0002 * connections * (connections - 1))) * wobble,
        ),
      })),
      costs: { readCpuMs: 0.08, readAloneCpuMs: 0.07, writeAloneCpuMs: 0.14, writeOnPrimaryCpuMs: 0.15, applyOnReplicaCpuMs: 0.05 },
      mixReadsOnPrimary: 0.2,
    },
    pause: {
      stage: 'stage1',
      pausedInstance: 'db2',
      pauseMs: 1_000,
      ratePerSecond: 400,
      open: { latency: latencyAround(6, 940), outcomes: outcomesOf(4_000, 0), timeline: timelineOf(980) },
      closed: { latency: latencyAround(6, 14), outcomes: outcomesOf(4_000, 0), timeline: timelineOf(610) },
    },
    aggregates: AGGREGATE_WAYS.flatMap((way, index) =>
      [10, 30, 100, 500].flatMap((parallel) =>
        WOBBLE.map((wobble, run) => {
          const refused = way === 'connection-a-query-primary' && parallel === 500 ? 310 : 0
          return {
            way,
            parallel,
            run: run + 1,
            durationMs: parallel * (index % 2 === 0 ? 34 : 29) * wobble,
            served: parallel - refused,
            tooManyClients: refused,
            otherErrors: 0,
            latency: latencyAround(200, 4_000),
            servedBy: { db1: parallel - refused },
          }
        }),
      ),
    ),
    remarks: [`CPU is limited by cgroup. ${HOSTILE}`],
    notes: ['A reset means: no record is left.'],
    ...changes,
  }
}

function repetitionOf(stage: StageName, configuration: Configuration, load: LoadName, run: number): Repetition {
  const isBalanced = configuration === 'balanced'
  const requested = REQUESTS[load]
  const goodputPerSecond =
    (stage === 'stage1' ? 540 : 380) * (isBalanced ? 1.7 : 1) * (isBalanced ? OTHER_WOBBLE : WOBBLE)[run % WOBBLE.length]!
  const meanMs = (CONNECTIONS[load] * 1_000) / goodputPerSecond
  const latency = latencyAround(meanMs, meanMs * 2.6)
  const refused = isBalanced ? 0 : Math.round(requested * 0.002)
  const databases = isBalanced ? ['db1', 'db2', 'db3'] : ['db1']
  const names = isBalanced
    ? ['frontend-lb', 'frontend1', 'frontend2', 'frontend3', 'backend-lb', 'backend1', 'backend2', 'backend3', 'db-lb', ...databases]
    : ['frontend1', 'backend1', 'db1']
  const durationS = requested / goodputPerSecond
  return {
    stage,
    configuration,
    load,
    run: run + 1,
    cpuPerInstance: 0.1,
    connections: CONNECTIONS[load],
    loop: 'closed',
    ratePerSecond: null,
    brokenBecause: null,
    requested,
    outcomes: outcomesOf(requested, refused),
    failures: refused > 0 ? { '503': refused } : {},
    durationS,
    goodputPerSecond,
    throughputPerSecond: goodputPerSecond * (isBalanced ? 1 : 1.002),
    transferKiBPerSecond: goodputPerSecond * 0.6,
    latency,
    readLatency: latency,
    writeLatency: latency,
    instances: names.map((name, index) => ({ name, cpuS: durationS * (0.04 + 0.005 * index) * WOBBLE[run]!, memoryMiB: 60 + index * 3 })),
    generatorCpuS: durationS * 0.3,
    isGeneratorBottleneck: false,
    distribution: {
      reads: Object.fromEntries(
        databases.map((name, index) => [name, Math.round(requested * 0.8 * (isBalanced ? [0.2, 0.41, 0.39][index]! : 1))]),
      ),
      writes: { db1: requested * 0.2 },
      moved: 0,
    },
    replication: isBalanced
      ? {
          lagRecordsMax: 44,
          lagMsP50: 4.2,
          lagMsMax: 61,
          caughtUpAfterMs: 35,
          samples: Array.from({ length: 30 }, (_, index) => ({
            atMs: index * 300,
            lagRecords: Math.max(0, Math.round(20 + 22 * Math.sin(index / 3))),
            lagMs: 5,
          })),
        }
      : null,
    reads: { checked: requested * 0.8, stale: isBalanced ? 12 : 0, staleByMax: isBalanced ? 9 : 0 },
    writes: { acknowledged: requested * 0.2 - refused, missing: 0, repeated: 0, unacknowledgedPresent: 0 },
    reconciliation: { counts: { client: requested, 'frontend-lb': requested, db: requested }, differences: [] },
  }
}

function outcomesOf(requested: number, refused: number) {
  return { served: requested - refused, wrong: 0, refused, timedOut: 0, lost: 0 }
}

function latencyAround(meanMs: number, p99Ms: number): LatencySummary {
  return { meanMs, p50Ms: meanMs * 0.93, p90Ms: meanMs * 1.4, p95Ms: meanMs * 1.7, p99Ms, maxMs: p99Ms * 1.2 }
}

function timelineOf(worstMs: number) {
  return Array.from({ length: 50 }, (_, index) => ({
    atMs: index * 200,
    maxMs: index >= 20 && index < 25 ? worstMs - (index - 20) * 200 * (worstMs / 1_000) : 9,
    p50Ms: 5,
    served: 80,
  }))
}
