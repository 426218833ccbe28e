/**
 * One repetition, from reset to checks, and what makes it a broken one.
 *
 *   reset ─▶ warm-up ─▶ [run, every meter on] ─▶ acknowledged writes looked for in every database ─▶ Repetition
 *
 * A test that could not be made as planned is not a slow test: it is kept with the reason and enters no figure. Requests that
 * failed are a result; requests that nobody can account for are a broken run.
 */
import type { LoadRun } from '../load/load-run.ts'
import type { Observation } from '../measure/observation.ts'
import { OUTCOMES, type Repetition, type WriteChecks } from '../results/bench-record.ts'
import { LOAD_SHAPES } from './protocol.ts'
import type { PlannedTest } from './test-plan.ts'

/** What a test needs of the cluster that it is made on; `live-test.ts` does it with a real one. */
export interface TestSteps {
  reset(): Promise<void>
  warmUp(): Promise<void>
  run(): Promise<Observation>
  checkWrites(): Promise<WriteChecks>
}

/** Rejects only when `signal` ended it: then it was not finished, and is nobody's result. */
export async function measureTest(test: PlannedTest, steps: TestSteps, signal: AbortSignal): Promise<Repetition> {
  try {
    await steps.reset()
    signal.throwIfAborted()
    await steps.warmUp()
    signal.throwIfAborted()
    const observation = await steps.run()
    signal.throwIfAborted()
    const writes = await steps.checkWrites()
    signal.throwIfAborted()
    return { ...labelsOf(test), ...resultOf(observation), writes, brokenBecause: reasonToDoubt(observation.load) }
  } catch (error) {
    signal.throwIfAborted()
    return brokenRepetition(test, error instanceof Error ? error.message : String(error))
  }
}

function resultOf({ load, ...observed }: Observation): Omit<Repetition, keyof Labels | 'writes' | 'brokenBecause'> {
  const { requested, outcomes, failures, durationS, goodputPerSecond, throughputPerSecond, transferKiBPerSecond } = load
  const { latency, readLatency, writeLatency, generatorCpuS, isGeneratorBottleneck, reads } = load
  return {
    ...observed,
    requested,
    outcomes,
    failures,
    durationS,
    goodputPerSecond,
    throughputPerSecond,
    transferKiBPerSecond,
    latency,
    readLatency,
    writeLatency,
    generatorCpuS,
    isGeneratorBottleneck,
    reads,
  }
}

function reasonToDoubt({ requested, outcomes, isAborted }: LoadRun): string | null {
  if (isAborted) return 'the run was cut short'
  const accounted = OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0)
  return accounted === requested ? null : `${requested} requests were asked for, ${accounted} are accounted for`
}

type Labels = Pick<Repetition, 'stage' | 'configuration' | 'load' | 'run' | 'cpuPerInstance' | 'ratePerSecond' | 'connections' | 'loop'>

function labelsOf({ stage, configuration, load, run, cpuPerInstance, ratePerSecond }: PlannedTest): Labels {
  const { connections } = LOAD_SHAPES[load]
  return { stage, configuration, load, run, cpuPerInstance, ratePerSecond, connections, loop: loopOf(ratePerSecond) }
}

export function loopOf(ratePerSecond: number | null): 'closed' | 'open' {
  return ratePerSecond === null ? 'closed' : 'open'
}

const NO_LATENCY = { meanMs: null, p50Ms: null, p90Ms: null, p95Ms: null, p99Ms: null, maxMs: null }

export function brokenRepetition(test: PlannedTest, brokenBecause: string): Repetition {
  return {
    ...labelsOf(test),
    brokenBecause,
    requested: 0,
    outcomes: { served: 0, wrong: 0, refused: 0, timedOut: 0, lost: 0 },
    failures: {},
    durationS: 0,
    goodputPerSecond: 0,
    throughputPerSecond: 0,
    transferKiBPerSecond: 0,
    latency: NO_LATENCY,
    readLatency: NO_LATENCY,
    writeLatency: NO_LATENCY,
    instances: [],
    generatorCpuS: 0,
    isGeneratorBottleneck: false,
    distribution: { reads: {}, writes: {}, moved: 0 },
    replication: null,
    reads: { checked: 0, stale: 0, staleByMax: 0 },
    writes: { acknowledged: 0, missing: 0, repeated: 0, unacknowledgedPresent: 0 },
    reconciliation: { counts: {}, differences: [] },
  }
}
