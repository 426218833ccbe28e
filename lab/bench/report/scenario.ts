/**
 * Repetitions gathered into what they repeat: one stage, load and share of CPU, with load balancing and without.
 *
 * Broken repetitions are kept apart and enter no figure. Ratios pair the runs of one number, because those were measured in
 * turn; a run whose other half is broken has no pair.
 */
import { CONFIGURATIONS, type Configuration, type LatencySummary, type Repetition } from '../results/bench-record.ts'
import { meanAndSpread, type MeanAndSpread } from '../statistics/mean-and-spread.ts'
import { pairedRatio, type Ratio } from '../statistics/paired-ratio.ts'

export interface Scenario {
  readonly key: string
  /** "stage1, light, 0.1 of a core" */
  readonly name: string
  readonly first: Repetition
  readonly balanced: Side
  readonly single: Side
}

export interface Side {
  readonly kept: readonly Repetition[]
  readonly broken: readonly Repetition[]
}

export type Metric = (repetition: Repetition) => number | null

export const goodput: Metric = ({ goodputPerSecond }) => goodputPerSecond
export const transfer: Metric = ({ transferKiBPerSecond }) => transferKiBPerSecond
export const errorRate: Metric = ({ requested, outcomes }) => (requested === 0 ? null : 1 - outcomes.served / requested)
export const latency =
  (field: keyof LatencySummary): Metric =>
  (repetition) =>
    repetition.latency[field]

/**
 * The generator's event loop had no time to spare, and it was its own work that filled it. One that is busy on a small part of a core was
 * kept waiting for the core: then the machine is the limit, as for everybody else on it.
 */
export function isLimitedByGenerator(one: Repetition): boolean {
  return one.isGeneratorBottleneck && generatorCores(one) >= GENERATOR_CORES_MIN
}

export function isGeneratorKeptWaiting(one: Repetition): boolean {
  return one.isGeneratorBottleneck && !isLimitedByGenerator(one)
}

/** Of one core, over the run. */
export function generatorCores({ generatorCpuS, durationS }: Repetition): number {
  return durationS === 0 ? 0 : generatorCpuS / durationS
}

const GENERATOR_CORES_MIN = 0.5

/** In the order of their first run. */
export function scenariosOf(repetitions: readonly Repetition[]): readonly Scenario[] {
  const groups = Map.groupBy(repetitions, keyOf)
  return [...groups].map(([key, group]) => {
    const [balanced, single] = CONFIGURATIONS.map((configuration) => sideOf(group, configuration)) as [Side, Side]
    return { key, name: nameOf(group[0]!), first: group[0]!, balanced, single }
  })
}

function sideOf(group: readonly Repetition[], wanted: Configuration): Side {
  const own = group.filter(({ configuration }) => configuration === wanted)
  return {
    kept: own.filter(({ brokenBecause }) => brokenBecause === null),
    broken: own.filter(({ brokenBecause }) => brokenBecause !== null),
  }
}

/** Equal for the same test in two records. */
function keyOf({ stage, load, cpuPerInstance, loop, ratePerSecond, connections }: Repetition): string {
  return JSON.stringify([stage, load, cpuPerInstance, loop, ratePerSecond, connections])
}

function nameOf({ stage, load, cpuPerInstance, loop, ratePerSecond }: Repetition): string {
  const held = cpuPerInstance === null ? 'cores shared' : `${cpuPerInstance} of a core`
  return [stage, load, held, ...(loop === 'open' ? [`open loop at ${ratePerSecond ?? '?'}/s`] : [])].join(', ')
}

export function valuesOf(side: Side, metric: Metric): readonly number[] {
  return side.kept.map(metric).filter((value) => value !== null)
}

export function spreadOf(side: Side, metric: Metric): MeanAndSpread | null {
  return meanAndSpread(valuesOf(side, metric))
}

/** Balanced against single. */
export function ratioOf(scenario: Scenario, metric: Metric): Ratio | null {
  const { a, b } = pairsOf(scenario, metric)
  return pairedRatio(a, b)
}

/** Of the runs that both sides have whole. */
export function pairsOf({ balanced, single }: Scenario, metric: Metric): { readonly a: readonly number[]; readonly b: readonly number[] } {
  const pairs = balanced.kept.flatMap((repetition) => {
    const other = single.kept.find(({ run }) => run === repetition.run)
    const [x, y] = [metric(repetition), other === undefined ? null : metric(other)]
    return x === null || y === null ? [] : [{ x, y }]
  })
  return { a: pairs.map(({ x }) => x), b: pairs.map(({ y }) => y) }
}

export function bothSides({ balanced, single }: Scenario): readonly { readonly configuration: Configuration; readonly side: Side }[] {
  return [
    { configuration: 'balanced', side: balanced },
    { configuration: 'single', side: single },
  ]
}
