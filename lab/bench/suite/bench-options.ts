/**
 * The options of `bench`, from text to what is to be measured.
 *
 * `--quick` is another set of defaults, not another kind of run: what is given beside it still counts.
 */
import type { Given } from '../../command-line/command.ts'
import { integerWithin, numberWithin, oneOf, parseStage } from '../../command-line/parse-arguments.ts'
import { misused } from '../../failure.ts'
import { RUNTIME_NAMES } from '../../runtime/runtime.ts'
import { STAGE_NAMES, type StageName } from '../../topology.ts'
import { CONFIGURATIONS, LOADS, type BenchOptions, type LoadName } from '../results/bench-record.ts'

export const BENCH_OPTIONS = {
  quick: { type: 'boolean' },
  stage: { type: 'string', multiple: true },
  load: { type: 'string', multiple: true },
  runs: { type: 'string' },
  rate: { type: 'string' },
  'cpu-per-instance': { type: 'string' },
  saturate: { type: 'boolean' },
  'matrix-only': { type: 'boolean' },
  runtime: { type: 'string' },
  seed: { type: 'string' },
  'port-offset': { type: 'string' },
  json: { type: 'boolean' },
} as const

/**
 * Fast enough that a thousand connections stay within the services' deadlines, small enough that nine instances, three load balancers
 * and the generator fit on two cores with room to spare (decision 0036).
 */
const CPU_PER_INSTANCE = 0.125
/** The report has three; of five the intervals are half as wide. */
const RUNS = 5
const QUICK_RUNS = 3
const QUICK_LOADS: readonly LoadName[] = ['light']
const SEED = 1
/** Away from a lab that runs on the ports of README.md. */
const PORT_OFFSET_FROM_LAB = 500

export const BENCH_HELP = `  --quick          about four minutes: ${QUICK_LOADS.join(', ')} only, ${QUICK_RUNS} runs, small experiments
  --stage NAME     ${STAGE_NAMES.join(' | ')} (default both; may be repeated)
  --load NAME      ${LOADS.join(' | ')} (default all; may be repeated)
  --runs N         repetitions of each test (default ${RUNS})
  --rate N         open loop: offer N requests per second, regardless of the answers
  --cpu-per-instance CORES
                   CPU share of each instance (default ${CPU_PER_INSTANCE})
  --saturate       no shares: all instances share the machine's cores
  --matrix-only    only the loads; no A/A, capacity, pause or PostgreSQL test
  --seed N         seed for the order of reads and writes (default ${SEED})
  --port-offset N  added to every port (default ${PORT_OFFSET_FROM_LAB} above the lab's own)
  --json           print only the record
  --runtime        ${RUNTIME_NAMES.join(' | ')} (default native): processes, or containers (Docker)`

export interface BenchRequest {
  readonly options: BenchOptions
  /** A/A, generator, capacity, pause and aggregates beside the loads. */
  readonly hasExperiments: boolean
  /** The shorter matrix without shares, beside the one with. */
  readonly hasSaturatedMatrix: boolean
  readonly isJson: boolean
  readonly portOffset: number
}

export function readBenchRequest({ values }: Given, environment: NodeJS.ProcessEnv = process.env): BenchRequest {
  const text = (name: keyof typeof BENCH_OPTIONS): string | undefined => values[name] as string | undefined
  const several = (name: 'stage' | 'load'): readonly string[] | undefined => values[name] as string[] | undefined
  const runtime = oneOf('--runtime', text('runtime') ?? 'native', RUNTIME_NAMES)
  const isQuick = values['quick'] === true
  const isSaturated = values['saturate'] === true
  const cpu = text('cpu-per-instance')
  if (isSaturated && cpu !== undefined)
    throw misused('--saturate means no CPU shares, but --cpu-per-instance asks for them. Leave out one of the two.')
  const rate = text('rate')
  const hasExperiments = values['matrix-only'] !== true
  const options: BenchOptions = {
    stages: readStages(several('stage')),
    configurations: CONFIGURATIONS,
    loads: readLoads(several('load')) ?? (isQuick ? QUICK_LOADS : LOADS),
    runs: integerWithin('--runs', text('runs') ?? String(isQuick ? QUICK_RUNS : RUNS), 1, 100),
    cpuPerInstance: isSaturated ? null : cpu === undefined ? CPU_PER_INSTANCE : numberWithin('--cpu-per-instance', cpu, 0.02, 64),
    ratePerSecond: rate === undefined ? null : integerWithin('--rate', rate, 1, 100_000),
    runtime,
    seed: integerWithin('--seed', text('seed') ?? String(SEED), 0, 2 ** 31 - 1),
    isQuick,
  }
  return {
    options,
    hasExperiments,
    hasSaturatedMatrix: hasExperiments && !isQuick && !isSaturated && rate === undefined,
    isJson: values['json'] === true,
    portOffset: readPortOffset(text('port-offset'), environment),
  }
}

/** In the order of the list, each once. */
function readStages(texts: readonly string[] | undefined): readonly StageName[] {
  const asked = new Set((texts ?? STAGE_NAMES).map(parseStage))
  return STAGE_NAMES.filter((stage) => asked.has(stage))
}

function readLoads(texts: readonly string[] | undefined): readonly LoadName[] | undefined {
  const asked = texts && new Set(texts.map((text) => oneOf('--load', text, LOADS)))
  return asked && LOADS.filter((load) => asked.has(load))
}

function readPortOffset(text: string | undefined, environment: NodeJS.ProcessEnv): number {
  if (text !== undefined) return integerWithin('--port-offset', text, -7_000, 45_000)
  return PORT_OFFSET_FROM_LAB + integerWithin('RELAIS_PORT_OFFSET', environment['RELAIS_PORT_OFFSET'] || '0', -7_000, 44_000)
}
