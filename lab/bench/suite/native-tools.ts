/** The bench's tools on processes of this machine. */
import type { AggregateRun, Machine } from '../results/bench-record.ts'
import { measureAggregates, type AggregatePlan } from './aggregate-test.ts'
import type { BenchRequest } from './bench-options.ts'
import { ClusterTools } from './cluster-tools.ts'
import { describeMachine } from './machine.ts'
import { NativeEnvironment } from './native-environment.ts'
import { COMMON_NOTES, LIFTED_NOTE } from './notes.ts'

/** Of each PostgreSQL server of the aggregate test: three of them leave room for 500 clients on two cores. */
const CPU_PER_AGGREGATE_SERVER = 0.5

const AGGREGATE_NOTE = `In the PostgreSQL test, each server is held to ${CPU_PER_AGGREGATE_SERVER} of a core; with one connection per query, all clients connect before any of them sends its query.`

export class NativeTools extends ClusterTools<NativeEnvironment> {
  readonly #warning: string | null

  /** `warning`: what of the request could not be granted here; null for nothing. */
  constructor(request: BenchRequest, stateDirectory: string, warning: string | null) {
    super(request, stateDirectory, (...of) => new NativeEnvironment(...of))
    this.#warning = warning
  }

  async aggregates(signal: AbortSignal, keep: (run: AggregateRun) => void): Promise<void> {
    const environment = await this.environments.databases('stage2', 3, CPU_PER_AGGREGATE_SERVER, signal)
    await measureAggregates(this.#aggregatePlan(), environment, signal, keep)
  }

  remarks(): readonly string[] {
    return this.#warning === null ? [] : [this.#warning]
  }

  notes(): readonly string[] {
    const notes = [...COMMON_NOTES, LIFTED_NOTE]
    const hasHeldServers = this.#warning === null && this.request.hasExperiments && this.request.options.stages.includes('stage2')
    return hasHeldServers ? [...notes, AGGREGATE_NOTE] : notes
  }

  protected describeMachine(cpuLimit: string): Promise<Machine> {
    return describeMachine(cpuLimit)
  }

  #aggregatePlan(): AggregatePlan {
    return this.request.options.isQuick ? { parallels: [10, 500], runs: 1 } : { parallels: [10, 30, 100, 500], runs: 3 }
  }
}
