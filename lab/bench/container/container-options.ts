/**
 * The options of the bench in a container: those of `lab -- bench` that need no engine.
 *
 * Shares of CPU are none of them: the containers have theirs since they were made, from RELAIS_CPUS, and this container is told the same.
 */
import type { Given } from '../../command-line/command.ts'
import { BENCH_OPTIONS, readBenchRequest, type BenchRequest } from '../suite/bench-options.ts'
import { LOADS } from '../results/bench-record.ts'
import { STAGE_NAMES } from '../../topology.ts'

const { quick, stage, load, runs, rate, 'matrix-only': matrixOnly, seed, json } = BENCH_OPTIONS

export const CONTAINER_OPTIONS = {
  quick,
  stage,
  load,
  runs,
  rate,
  'matrix-only': matrixOnly,
  seed,
  json,
  empty: { type: 'boolean' },
} as const

export const CONTAINER_HELP = `Measures the stages that Compose has started, and writes the report into /results.

  docker compose -f compose/compose.yaml --profile '*' run --rm bench [options]

  --quick          light load only, 3 runs
  --stage NAME     ${STAGE_NAMES.join(' | ')} (default: those that are running; may be repeated)
  --load NAME      ${LOADS.join(' | ')} (default all; may be repeated)
  --runs N         repetitions of each test (default 5)
  --rate N         open loop: offer N requests per second, regardless of the answers
  --matrix-only    only the loads; no generator limit and no A/A
  --seed N         seed for the order of reads and writes (default 1)
  --empty          allow the benchmark to delete existing records: every test needs empty databases
  --json           print only the record`

export interface ContainerRequest {
  readonly bench: BenchRequest
  /** Whether records that are there may go. */
  readonly mayEmpty: boolean
  /** Nobody named a stage: those that run. */
  readonly isAnyStage: boolean
}

export function readContainerRequest({ operands, values }: Given, environment: NodeJS.ProcessEnv): ContainerRequest {
  const { empty, help: _, ...asked } = values
  const cores = Number(environment['RELAIS_CPUS'] || 0)
  const shares = cores > 0 ? { 'cpu-per-instance': String(cores) } : { saturate: true }
  const request = readBenchRequest({ operands, values: { ...asked, ...shares, runtime: 'compose' } }, environment)
  return { bench: { ...request, hasSaturatedMatrix: false }, mayEmpty: empty === true, isAnyStage: asked['stage'] === undefined }
}
