/**
 * Two runs side by side, test by test.
 *
 * They come from two sessions, perhaps from two machines, so a drift between them is in B/A and cannot be told from a change. The
 * gain of load balancing within each run is free of it, because there both halves were measured in turn.
 */
import type { BenchRecord, Configuration } from '../results/bench-record.ts'
import { unpairedRatio } from '../statistics/paired-ratio.ts'
import { gainText, NONE, ratioText, spread } from './figure-text.ts'
import { table, text, type ReportDocument } from './report-document.ts'
import { goodput, latency, ratioOf, scenariosOf, spreadOf, valuesOf, type Metric, type Scenario } from './scenario.ts'

export function comparisonOf(a: BenchRecord, b: BenchRecord): ReportDocument {
  const [ofA, ofB] = [a, b].map((record) => new Map(scenariosOf(record.repetitions).map((one) => [one.key, one])))
  const keys = [...new Set([...ofA!.keys(), ...ofB!.keys()])]
  const tests = keys.map((key) => ({ a: ofA!.get(key), b: ofB!.get(key) }))
  return {
    title: `A ${a.startedAt} compared with B ${b.startedAt}`,
    lead: 'B/A with its 95 % interval. Where the interval contains 1, there is no winner.',
    sections: [
      {
        id: 'tests',
        title: 'Test by test',
        blocks: [
          ...differenceWarning(a, b),
          side('Goodput, right answers per second', tests, goodput, 0),
          side('p99 latency, ms', tests, latency('p99Ms'), 1),
          table(
            'Gain of load balancing in goodput, within each run',
            ['test', 'A', 'B'],
            tests.map((pair) => [nameOf(pair), ...[pair.a, pair.b].map((one) => (one ? gainText(ratioOf(one, goodput)) : NONE))]),
          ),
        ],
      },
    ],
  }
}

interface Pair {
  readonly a: Scenario | undefined
  readonly b: Scenario | undefined
}

function nameOf({ a, b }: Pair): string {
  return (a ?? b)!.name
}

function side(caption: string, tests: readonly Pair[], metric: Metric, digits: number) {
  const rows = tests.flatMap((pair) =>
    (['balanced', 'single'] as const).map((configuration) => [
      `${nameOf(pair)}, ${configuration}`,
      ...cells(pair, configuration, metric, digits),
    ]),
  )
  return table(caption, ['test', 'A', 'B', 'B/A'], rows)
}

function cells({ a, b }: Pair, configuration: Configuration, metric: Metric, digits: number): string[] {
  const shown = [a, b].map((one) => (one ? spread(spreadOf(one[configuration], metric), digits) : NONE))
  const ratio = a && b ? unpairedRatio(valuesOf(b[configuration], metric), valuesOf(a[configuration], metric)) : null
  return [...shown, ratio && ratio.low <= 1 && ratio.high >= 1 ? `${ratioText(ratio)} no winner` : ratioText(ratio)]
}

function differenceWarning(a: BenchRecord, b: BenchRecord) {
  const [ofA, ofB] = [a, b].map(circumstancesOf) as [Record<string, string>, Record<string, string>]
  const differing = [...new Set([...Object.keys(ofA), ...Object.keys(ofB)])].filter((name) => ofA[name] !== ofB[name])
  if (differing.length === 0) {
    return [
      text('The same machine type, runtime, versions and CPU shares, in two sessions: any drift between them is part of B/A as well.'),
    ]
  }
  const listed = differing.map((name) => `${name}: A ${ofA[name] ?? 'none'}, B ${ofB[name] ?? 'none'}`)
  return [text(`**Measured differently**, so B/A reflects these differences as much as anything else: ${listed.join('; ')}.`)]
}

function circumstancesOf({ machine, options }: BenchRecord): Record<string, string> {
  return {
    machine: `${machine.cpuModel}, ${machine.cores} cores, ${machine.memoryMiB} MiB`,
    kernel: machine.kernel,
    runtime: options.runtime,
    length: options.isQuick ? 'quick' : 'full',
    'CPU shares': machine.cpuLimit,
    ...machine.versions,
  }
}
