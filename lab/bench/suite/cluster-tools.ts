/**
 * The bench's tools on clusters that it starts itself, whatever the runtime: what `run-bench.ts` asks for, done with real clusters and
 * real load. native-tools.ts and compose-tools.ts say how a cluster is made and what is special about it.
 */
import { measureGeneratorLimit } from '../measure/generator-limit.ts'
import type { AggregateRun, Capacity, GeneratorLimit, Machine, PauseExperiment, Repetition } from '../results/bench-record.ts'
import type { BenchRequest } from './bench-options.ts'
import { BREAK_IN, QUICK_BREAK_IN } from './break-in.ts'
import { measureCapacity, type CapacityPlan } from './capacity.ts'
import { Environments, type MakeEnvironment } from './environments.ts'
import { liveTest } from './live-test.ts'
import { NOT_HELD } from './machine.ts'
import { brokenRepetition, measureTest } from './measure-test.ts'
import { measurePause } from './pause-experiment.ts'
import type { BenchTools, Experiment } from './run-bench.ts'
import type { TestEnvironment } from './test-environment.ts'
import type { PlannedTest } from './test-plan.ts'

export const GENERATOR_CONNECTIONS = 100
/** Smaller than in the matrix: whatever three databases can do, db-lb and the generator must not be what limits them. */
const CPU_PER_DATABASE = 0.1
/** Sixty for each of three: one that has to wait for the next request does not show what it can do. */
const CAPACITY_CONNECTIONS = 180

const NOTHING_STARTED = 'Unknown: no cluster with CPU shares was started.'

export abstract class ClusterTools<E extends TestEnvironment> implements BenchTools {
  protected readonly request: BenchRequest
  protected readonly environments: Environments<E>

  constructor(request: BenchRequest, stateDirectory: string, make: MakeEnvironment<E>) {
    this.request = request
    const breakIn = request.options.isQuick ? QUICK_BREAK_IN : BREAK_IN
    this.environments = new Environments({ stateDirectory, portOffset: request.portOffset, breakIn, make })
  }

  abstract remarks(): readonly string[]
  abstract notes(): readonly string[]
  abstract aggregates(signal: AbortSignal, keep: (run: AggregateRun) => void): Promise<void>
  protected abstract describeMachine(cpuLimit: string): Promise<Machine>

  impossible(_experiment: Experiment): string | null {
    return null
  }

  /** Before anything else; rejects when a port is taken. */
  claim(): Promise<void> {
    return this.environments.claim()
  }

  machine(): Promise<Machine> {
    const notYet = this.request.options.cpuPerInstance === null ? NOT_HELD : NOTHING_STARTED
    return this.describeMachine(this.environments.cpuLimit ?? notYet)
  }

  generatorLimit(signal: AbortSignal): Promise<GeneratorLimit> {
    return measureGeneratorLimit(GENERATOR_CONNECTIONS, signal)
  }

  async test(test: PlannedTest, signal: AbortSignal): Promise<Repetition> {
    try {
      const environment = await this.environments.chain(test.stage, test.configuration, test.cpuPerInstance, signal)
      const repetition = await measureTest(test, liveTest(environment, test, signal), signal)
      if (repetition.brokenBecause !== null) await this.environments.discard(environment)
      return repetition
    } catch (error) {
      signal.throwIfAborted()
      return brokenRepetition(test, error instanceof Error ? error.message : String(error))
    }
  }

  async pause(signal: AbortSignal): Promise<PauseExperiment> {
    const { stages, cpuPerInstance, seed } = this.request.options
    return measurePause(await this.environments.chain(stages[0]!, 'balanced', cpuPerInstance, signal), seed, signal)
  }

  capacity(signal: AbortSignal, remark: (sentence: string) => void): Promise<Capacity> {
    return measureCapacity(this.#capacityPlan(), this.environments, signal, remark)
  }

  release(): Promise<void> {
    return this.environments.stopAll()
  }

  /** After `release`, when nobody needs the clusters' logs. */
  removeFiles(): void {
    this.environments.removeFiles()
  }

  #capacityPlan(): CapacityPlan {
    const { stages, cpuPerInstance, seed, isQuick } = this.request.options
    const common = {
      stage: stages[0]!,
      cpuPerDatabase: cpuPerInstance === null ? null : CPU_PER_DATABASE,
      connections: CAPACITY_CONNECTIONS,
      seed,
    }
    if (isQuick) return { ...common, pairs: 4, lastingS: 1, concurrencies: [2, 8, 32], runsOfEach: 1 }
    // Many short pairs: what drifts within seconds cancels in them, and the interval counts pairs.
    return { ...common, pairs: 12, lastingS: 3, concurrencies: [1, 4, 12, 30, 60, 120, 240], runsOfEach: 2 }
  }
}
