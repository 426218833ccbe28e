/**
 * Which tests are run, in which order.
 *
 *   run 1: balanced single │ run 2: single balanced │ run 3: balanced single …     for each load and stage
 *
 * A shared machine drifts by tens of percent within minutes. So the two configurations of a pair follow each other at once, and who
 * goes first alternates; the runs are the outermost loop, so that a bench that is ended early has whole runs of everything.
 */
import type { StageName } from '../../topology.ts'
import type { BenchOptions, Configuration, LoadName } from '../results/bench-record.ts'

/** One repetition to be measured. */
export interface PlannedTest {
  readonly stage: StageName
  readonly configuration: Configuration
  readonly load: LoadName
  /** 1-based. */
  readonly run: number
  /** Null: no share. */
  readonly cpuPerInstance: number | null
  readonly ratePerSecond: number | null
  /** The same for both tests of a pair. */
  readonly seed: number
}

export function planMatrix(options: BenchOptions): readonly PlannedTest[] {
  return Array.from({ length: options.runs }, (_, index) => index + 1).flatMap((run) =>
    options.loads.flatMap((load) => inTurn(options.stages, run).flatMap((stage) => planPair(options, stage, load, run))),
  )
}

function planPair(options: BenchOptions, stage: StageName, load: LoadName, run: number): readonly PlannedTest[] {
  const { cpuPerInstance, ratePerSecond } = options
  const seed = options.seed + run - 1
  return inTurn(options.configurations, run).map((configuration) => ({
    stage,
    configuration,
    load,
    run,
    cpuPerInstance,
    ratePerSecond,
    seed,
  }))
}

/** Forwards in odd runs, backwards in even ones. */
function inTurn<T>(items: readonly T[], run: number): readonly T[] {
  return run % 2 === 1 ? items : items.toReversed()
}

const SATURATED_LOADS: ReadonlySet<LoadName> = new Set(['medium', 'stress'])

/** The shorter matrix beside: where the machine's cores, and not the instances, are the limit. */
export function planSaturatedMatrix(options: BenchOptions): readonly PlannedTest[] {
  const loads = options.loads.filter((load) => SATURATED_LOADS.has(load))
  return planMatrix({ ...options, loads: loads.length > 0 ? loads : options.loads.slice(-1), cpuPerInstance: null })
}

/** Of few pairs the interval is wide, and the noise floor says more about their number than about the machine. */
const PAIRS = 10
const QUICK_PAIRS = 3

/** The same test twice, again and again: what differs between the two is noise. */
export function planNoiseFloor(options: BenchOptions): readonly (readonly [PlannedTest, PlannedTest])[] {
  const [stage] = options.stages
  const load = options.isQuick ? options.loads[0]! : (options.loads.find((name) => name === 'medium') ?? options.loads[0]!)
  return Array.from({ length: options.isQuick ? QUICK_PAIRS : PAIRS }, (_, index) => {
    const [test] = planPair({ ...options, configurations: ['balanced'] }, stage!, load, index + 1)
    return [test!, test!] as const
  })
}
