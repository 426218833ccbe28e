/** The bench's tools on chains that Compose started: what can be measured from beside them, and in a sentence what cannot. */
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { primaryOf } from '../../topology.ts'
import { measureGeneratorLimit } from '../measure/generator-limit.ts'
import type { GeneratorLimit, Machine, Repetition } from '../results/bench-record.ts'
import { QUICK_BREAK_IN, breakIn, breakInHeld } from '../suite/break-in.ts'
import { GENERATOR_CONNECTIONS } from '../suite/cluster-tools.ts'
import { liveTest } from '../suite/live-test.ts'
import { describeMachine, NOT_HELD } from '../suite/machine.ts'
import { brokenRepetition, measureTest } from '../suite/measure-test.ts'
import { COMMON_NOTES } from '../suite/notes.ts'
import type { BenchTools, Experiment } from '../suite/run-bench.ts'
import type { PlannedTest } from '../suite/test-plan.ts'
import type { RunningChain } from './running-chains.ts'
import { RunningEnvironment } from './running-environment.ts'
import { serverOf } from './server-login.ts'

const HELD_ROUNDS = 3

const NOTES = [
  'Measured from a container beside the stages, which were started by Compose and not by the benchmark.',
  'Every chain keeps running while another one is measured, and so do the health checks (RELAIS_HEALTH_INTERVAL).',
  'CPU and memory are those of a service’s own process, as it reports them; in stage 2, a database’s row also includes the cgroup of its PostgreSQL container. Load balancers have none, and their logs cannot be read from here, so who served a read is taken from the databases’ own counts.',
]

const WHY_NOT: Readonly<Record<Experiment, string>> = {
  pause: 'A container cannot stop its neighbour without the engine’s socket; `npm run lab -- bench --runtime compose` can.',
  capacity: 'This needs clusters of one and of two databases; `npm run lab -- bench --runtime compose` starts them.',
  aggregates: 'This needs extra services beside the servers; `npm run lab -- bench` starts them.',
}

export class RunningTools implements BenchTools {
  readonly #environments: ReadonlyMap<string, RunningEnvironment>
  readonly #brokenIn = new Set<RunningEnvironment>()
  readonly #cpuPerInstance: number | null

  constructor(chains: readonly RunningChain[], cpuPerInstance: number | null) {
    this.#cpuPerInstance = cpuPerInstance
    this.#environments = new Map(
      chains.map(({ stage, configuration, topology }) => [`${stage} ${configuration}`, new RunningEnvironment(topology, cpuPerInstance)]),
    )
  }

  async machine(): Promise<Machine> {
    const [environment] = this.#environments.values()
    const machine = await describeMachine(environment?.cpuLimit ?? NOT_HELD)
    return { ...machine, versions: { ...machine.versions, nginx: 'unknown', postgres: await this.#postgresVersion() } }
  }

  generatorLimit(signal: AbortSignal): Promise<GeneratorLimit> {
    return measureGeneratorLimit(GENERATOR_CONNECTIONS, signal)
  }

  async test(test: PlannedTest, signal: AbortSignal): Promise<Repetition> {
    try {
      const environment = this.#environments.get(`${test.stage} ${test.configuration}`)!
      await this.#breakInOnce(environment, signal)
      return await measureTest(test, liveTest(environment, test, signal), signal)
    } catch (error) {
      signal.throwIfAborted()
      return brokenRepetition(test, error instanceof Error ? error.message : String(error))
    }
  }

  impossible(experiment: Experiment): string {
    return WHY_NOT[experiment]
  }
  pause(): Promise<never> {
    return Promise.reject(new Error(WHY_NOT.pause))
  }
  capacity(): Promise<never> {
    return Promise.reject(new Error(WHY_NOT.capacity))
  }
  aggregates(): Promise<never> {
    return Promise.reject(new Error(WHY_NOT.aggregates))
  }

  /** Nothing was started, nothing is ended. */
  release(): Promise<void> {
    return Promise.resolve()
  }

  /** What hold records now: "stage1 balanced". */
  async holdingRecords(): Promise<readonly string[]> {
    const rows = await Promise.all(
      [...this.#environments].map(async ([name, environment]) => ((await environment.newestId()) > 0 ? [name] : [])),
    )
    return rows.flat()
  }

  /** The databases as the bench found them, or as it may leave them: empty. */
  async empty(signal: AbortSignal): Promise<void> {
    for (const environment of this.#environments.values()) await environment.reset(signal)
  }

  remarks(): readonly string[] {
    return this.#cpuPerInstance === null
      ? [
          'CPU is not limited (RELAIS_CPUS is not set): three instances are not three machines here, and nothing below shows what more machines would gain.',
        ]
      : []
  }

  notes(): readonly string[] {
    return [...NOTES, ...COMMON_NOTES]
  }

  async #breakInOnce(environment: RunningEnvironment, signal: AbortSignal): Promise<void> {
    if (this.#brokenIn.has(environment)) return
    // What is held has been held since it was made: as many requests as it takes within a share, and no more.
    if (environment.cpuPerInstance === null) await breakIn(environment, QUICK_BREAK_IN.chain, signal)
    else for (let round = 0; round < HELD_ROUNDS; round++) await breakInHeld(environment, signal)
    this.#brokenIn.add(environment)
  }

  async #postgresVersion(): Promise<string> {
    const environment = [...this.#environments.values()].find(({ topology }) => topology.stage === 'stage2')
    if (environment === undefined) return 'none'
    const ask = loginAs(
      serverOf(primaryOf(environment.topology)),
      'admin',
      (sql) => sql<{ version: string }[]>`SELECT current_setting('server_version') AS version`,
    )
    return ask.then(
      (rows) => rows[0]!.version.split(' ', 1)[0]!,
      () => 'unknown',
    )
  }
}
