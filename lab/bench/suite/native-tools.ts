/** The bench's tools on this machine's own processes: what `run-bench.ts` asks for, done with real clusters and real load. */
import { measureGeneratorLimit } from '../measure/generator-limit.ts'
import type { AggregateRun, Capacity, GeneratorLimit, Machine, PauseExperiment, Repetition } from '../results/bench-record.ts'
import { measureAggregates, type AggregatePlan } from './aggregate-test.ts'
import type { BenchRequest } from './bench-options.ts'
import { measureCapacity, type CapacityPlan } from './capacity.ts'
import { Environments } from './environments.ts'
import { liveTest } from './live-test.ts'
import { describeMachine } from './machine.ts'
import { brokenRepetition, measureTest } from './measure-test.ts'
import { measurePause } from './pause-experiment.ts'
import type { BenchTools } from './run-bench.ts'
import type { PlannedTest } from './test-plan.ts'

const GENERATOR_CONNECTIONS = 100
/** Of each PostgreSQL server of the aggregate test: three of them leave room for 500 clients on two cores. */
const CPU_PER_AGGREGATE_SERVER = 0.5

/** Smaller than in the matrix: whatever three databases can do, db-lb and the generator must not be what limits them. */
const CPU_PER_DATABASE = 0.1

const NOT_HELD = 'CPU is not limited: the instances share the cores.'
const NOTHING_STARTED = 'Not known: no cluster with a share was started.'
const NOTES = [
  'A reset means: no record is left. Stage 1: the database processes are stopped, started empty, and broken in by requests whose records are deleted again. Stage 2: the tables are emptied, ' +
    'a checkpoint is made, and the standbys have replayed it. Frontends, backends and load balancers go on.',
  'A cluster that has just been started gets some thousand requests that are not counted, so that no test measures the compiling of code.',
  'The load balancers are never held to a share of CPU: what is compared is the instances.',
  'Generator, load balancers and instances share this machine.',
]
const AGGREGATE_NOTE = `In the PostgreSQL test each server is held to ${CPU_PER_AGGREGATE_SERVER} of a core; with a connection a query, all connect before any asks.`

export class NativeTools implements BenchTools {
  readonly #request: BenchRequest
  readonly #warning: string | null
  readonly #environments: Environments

  /** `warning`: what of the request could not be granted here; null for nothing. */
  constructor(request: BenchRequest, stateDirectory: string, warning: string | null) {
    this.#request = request
    this.#warning = warning
    this.#environments = new Environments({ stateDirectory, portOffset: request.portOffset })
  }

  /** Before anything else; rejects when a port is taken. */
  claim(): Promise<void> {
    return this.#environments.claim()
  }

  machine(): Promise<Machine> {
    const notYet = this.#request.options.cpuPerInstance === null ? NOT_HELD : NOTHING_STARTED
    return describeMachine(this.#environments.cpuLimit ?? notYet)
  }

  generatorLimit(signal: AbortSignal): Promise<GeneratorLimit> {
    return measureGeneratorLimit(GENERATOR_CONNECTIONS, signal)
  }

  async test(test: PlannedTest, signal: AbortSignal): Promise<Repetition> {
    try {
      const environment = await this.#environments.chain(test.stage, test.configuration, test.cpuPerInstance, signal)
      const repetition = await measureTest(test, liveTest(environment, test, signal), signal)
      if (repetition.brokenBecause !== null) await this.#environments.discard(environment)
      return repetition
    } catch (error) {
      signal.throwIfAborted()
      return brokenRepetition(test, error instanceof Error ? error.message : String(error))
    }
  }

  async pause(signal: AbortSignal): Promise<PauseExperiment> {
    const { stages, cpuPerInstance, seed } = this.#request.options
    return measurePause(await this.#environments.chain(stages[0]!, 'balanced', cpuPerInstance, signal), seed, signal)
  }

  capacity(signal: AbortSignal, remark: (sentence: string) => void): Promise<Capacity> {
    return measureCapacity(this.#capacityPlan(), this.#environments, signal, remark)
  }

  async aggregates(signal: AbortSignal, keep: (run: AggregateRun) => void): Promise<void> {
    const environment = await this.#environments.databases('stage2', 3, CPU_PER_AGGREGATE_SERVER, signal)
    await measureAggregates(this.#aggregatePlan(), environment, signal, keep)
  }

  release(): Promise<void> {
    return this.#environments.stopAll()
  }

  /** After `release`, when nobody needs the clusters' logs. */
  removeFiles(): void {
    this.#environments.removeFiles()
  }

  remarks(): readonly string[] {
    return this.#warning === null ? [] : [this.#warning]
  }

  notes(): readonly string[] {
    const hasHeldServers = this.#warning === null && this.#request.hasExperiments && this.#request.options.stages.includes('stage2')
    return hasHeldServers ? [...NOTES, AGGREGATE_NOTE] : NOTES
  }

  #capacityPlan(): CapacityPlan {
    const { stages, cpuPerInstance, seed, isQuick } = this.#request.options
    const common = { stage: stages[0]!, cpuPerDatabase: cpuPerInstance === null ? null : CPU_PER_DATABASE, connections: 60, seed }
    if (isQuick) return { ...common, pairs: 4, lastingS: 1.2, concurrencies: [2, 8, 32], runsOfEach: 1 }
    return { ...common, pairs: 6, lastingS: 4, concurrencies: [1, 4, 12, 30, 60, 120, 240], runsOfEach: 2 }
  }

  #aggregatePlan(): AggregatePlan {
    return this.#request.options.isQuick ? { parallels: [10, 500], runs: 1 } : { parallels: [10, 30, 100, 500], runs: 3 }
  }
}
