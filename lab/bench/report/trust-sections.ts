/**
 * What lets a reader doubt or believe: summary, claims, outcome of every request, reconciliation, generator, machine.
 */
import { OUTCOMES, type BenchRecord, type Repetition } from '../results/bench-record.ts'
import { agreesWithLittle, requestsInFlight } from '../statistics/littles-law.ts'
import { verdictOf } from '../statistics/paired-ratio.ts'
import { conclusionsOf, type Standing } from './claims.ts'
import { Doubt } from './doubt.ts'
import { gainText, number, percent, ratioText, signed } from './figure-text.ts'
import { table, text, type Block, type KeyFigure, type Section, type Tone } from './report-document.ts'
import { generatorCores, goodput, isGeneratorKeptWaiting, isLimitedByGenerator, ratioOf, scenariosOf, type Scenario } from './scenario.ts'

/** Above it most differences between two configurations drown. */
const NOISE_MAX = 0.2

export function summarySection(record: BenchRecord): Section {
  const broken = record.repetitions.filter(({ brokenBecause }) => brokenBecause !== null)
  const notices: Block[] = [
    ...(record.isComplete ? [] : [notice('warning', 'This run was cut short: the finished parts are here, the rest was not measured.')]),
    ...(record.options.isQuick ? [notice('plain', 'A quick run: the measurements are few and short, so the intervals are wide.')] : []),
    ...(broken.length === 0 ? [] : [notice('warning', `Broken runs, listed below and left out of every figure: ${broken.length}.`)]),
    ...record.remarks.map((remark) => notice('warning', remark)),
  ]
  return {
    id: 'summary',
    title: 'In short',
    blocks: [...notices, { kind: 'figures', figures: keyFigures(record) }, generatorBlock(record)],
  }
}

function notice(tone: Tone, content: string): Block {
  return { kind: 'notice', tone, text: content }
}

function keyFigures(record: BenchRecord): KeyFigure[] {
  const kept = record.repetitions.filter(({ brokenBecause }) => brokenBecause === null)
  const requested = sum(kept, ({ requested }) => requested)
  const errors = requested - sum(kept, ({ outcomes }) => outcomes.served)
  const lost = sum(kept, ({ writes }) => writes.missing + writes.repeated)
  const doubt = new Doubt(record)
  const gains = telling(scenariosOf(record.repetitions)).flatMap((scenario) => gainFigure(scenario, doubt) ?? [])
  const { floor } = doubt
  return [
    ...gains,
    {
      label: 'Requests without a right answer',
      value: percent(requested === 0 ? null : errors / requested, errors === 0 ? 0 : 3),
      detail: `${number(errors)} of ${number(requested)}`,
      tone: errors === 0 ? 'good' : 'warning',
    },
    {
      label: 'Acknowledged writes lost or repeated',
      value: number(lost),
      detail: `of ${number(sum(kept, ({ writes }) => writes.acknowledged))}`,
      tone: lost === 0 ? 'good' : 'bad',
    },
    floor
      ? {
          label: 'Noise: a configuration against itself',
          value: `${signed(1 / floor.factor)} to ${signed(floor.factor)} %`,
          detail: `${ratioText(floor.ratio)}, ${floor.isSound ? 'no difference found, as expected' : 'a difference was found where there is none, as happens by chance in one A/A test out of twenty; if it happens again, the machine or the method is at fault, so nothing is concluded here'}`,
          tone: !floor.isSound ? 'bad' : floor.factor > 1 + NOISE_MAX ? 'warning' : 'good',
        }
      : { label: 'Noise: a configuration against itself', value: '–', detail: 'not measured', tone: 'plain' },
  ]
}

function gainFigure(scenario: Scenario, doubt: Doubt): KeyFigure | null {
  const ratio = ratioOf(scenario, goodput)
  if (ratio === null) return null
  const label = `Load balancing, ${scenario.name}`
  const because = doubt.of(scenario)
  const verdict = doubt.verdict(ratio)
  if (because !== null) return { label, value: 'no winner', detail: `${gainText(ratio)}: ${because}`, tone: 'warning' }
  if (verdict === 'same') {
    const reason = verdictOf(ratio) === 'same' ? 'the interval contains “no difference”' : 'within the A/A noise'
    return { label, value: 'no winner', detail: `${gainText(ratio)}: ${reason}`, tone: 'plain' }
  }
  return { label, value: `× ${number(ratio.ratio, 2)}`, detail: gainText(ratio), tone: verdict === 'larger' ? 'good' : 'bad' }
}

/** One for each stage and kind of sharing: the report's main test if it was made, the heaviest load otherwise. */
function telling(scenarios: readonly Scenario[]): readonly Scenario[] {
  const groups = Map.groupBy(scenarios, ({ first }) => `${first.stage} ${first.cpuPerInstance} ${first.loop}`)
  return [...groups.values()].map((group) => group.find(({ first }) => first.load === 'intensive') ?? group.at(-1)!)
}

function generatorBlock({ generator, repetitions }: BenchRecord): Block {
  const limited = repetitions.filter(isLimitedByGenerator)
  const waiting = repetitions.filter(isGeneratorKeptWaiting)
  const limit = generator
    ? `Against a server with a constant answer, the load generator reaches ${number(generator.closedLoopPerSecond)} requests/s in a closed loop and ${number(generator.openLoopPerSecond)} in an open one.`
    : 'The load generator’s own limit was not measured.'
  const held =
    waiting.length === 0
      ? ''
      : ` In ${runsText(waiting.length)} it had to wait for a core, of which it used at most ${percent(Math.max(...waiting.map(generatorCores)), 0)}; there, the machine was the limit: ${waiting.map(nameOf).join('; ')}.`
  if (limited.length === 0) return text(`${limit} The generator was not the bottleneck in any run.${held}`)
  return notice(
    'warning',
    `${limit} In ${runsText(limited.length)} the generator itself was the bottleneck, so the figures show its limit and not that of the system: ${limited.map(nameOf).join('; ')}.${held}`,
  )
}

export function claimsSection(record: BenchRecord): Section {
  const conclusions = conclusionsOf(record)
  const count = (standing: Standing): number => conclusions.filter((one) => one.standing === standing).length
  return {
    id: 'claims',
    title: 'The report’s figures compared with ours',
    blocks: [
      text(
        `Of ${conclusions.length} comparisons with a claim of the report, ${count('upheld')} uphold it, ${count('not upheld')} do not, and ${count('inconclusive')} are inconclusive. A claim is upheld when our 95 % interval contains its figure but not “no difference”; it is not upheld when its figure lies outside the interval.`,
      ),
      table(
        'Claim by claim',
        ['the report claims', 'section', 'measured here', 'result', 'reason'],
        conclusions.map(({ claim, section, measured, standing, because }) => [claim, section, measured, `**${standing}**`, because]),
      ),
      littleTable(record),
    ],
  }
}

function littleTable({ repetitions }: BenchRecord): Block {
  const theirs: [string, number, number, number][] = [
    ['the report, light (6.2), balanced', 2_326, 433.7, 100],
    ['the report, light (6.2), single', 1_928.9, 518.5, 100],
    ['the report, intensive (6.3.1), balanced', 1_994, 250.67, 500],
    ['the report, intensive (6.3.1), single', 1_191.67, 419, 500],
  ]
  const ours = repetitions.flatMap((one): [string, number, number, number][] =>
    one.brokenBecause === null && one.loop === 'closed' && one.run === 1 && one.latency.meanMs !== null
      ? [[nameOf(one), one.goodputPerSecond, one.latency.meanMs, one.connections]]
      : [],
  )
  return table(
    'Little’s law: rate × latency is the number of requests in flight, so it must equal the concurrency',
    ['test', 'requests/s', 'mean ms', 'in flight', 'stated', 'agrees'],
    [...theirs, ...ours].map(([name, rate, ms, stated]) => [
      name,
      number(rate, 1),
      number(ms, 1),
      number(requestsInFlight(rate, ms)),
      number(stated),
      agreesWithLittle(rate, ms, stated) ? 'yes' : '**no**',
    ]),
  )
}

export function accountSection({ repetitions }: BenchRecord): Section {
  const broken = repetitions.filter(({ brokenBecause }) => brokenBecause !== null)
  const differing = repetitions.filter(({ reconciliation }) => reconciliation.differences.length > 0)
  return {
    id: 'account',
    title: 'What became of every request',
    blocks: [
      text(
        'Each request ends in exactly one class, and the classes add up to the number of requests. `ab` counts every answer, whatever it says; here, an answer counts only if it is right.',
      ),
      table('Outcome classes, run by run', ['run', 'requested', ...OUTCOMES, 'sum', 'most frequent failure'], repetitions.map(outcomeRow)),
      text(broken.length === 0 ? 'No run was broken.' : 'Broken runs, left out of every figure:'),
      ...(broken.length === 0 ? [] : [{ kind: 'list' as const, items: broken.map((one) => `${nameOf(one)}: ${one.brokenBecause ?? ''}`) }]),
      table(
        'Writes checked at the end, in every database',
        ['run', 'acknowledged', 'missing', 'present twice', 'not acknowledged, present'],
        repetitions.map((one) => [
          nameOf(one),
          ...[one.writes.acknowledged, one.writes.missing, one.writes.repeated, one.writes.unacknowledgedPresent].map((count) =>
            number(count),
          ),
        ]),
      ),
      table(
        'Reconciliation: what each place counted',
        ['run', 'counts', 'unexplained differences'],
        repetitions.map((one) => [
          nameOf(one),
          Object.entries(one.reconciliation.counts)
            .map(([place, count]) => `${place} ${number(count)}`)
            .join(', '),
          one.reconciliation.differences.join('; ') || 'none',
        ]),
      ),
      text(
        differing.length === 0
          ? 'The counts of the client, the load balancers and the services agree.'
          : `In ${runsText(differing.length)} the counts differ; see the table.`,
      ),
    ],
  }
}

function outcomeRow(one: Repetition): string[] {
  const total = OUTCOMES.reduce((sum, outcome) => sum + one.outcomes[outcome], 0)
  const [failure] = Object.entries(one.failures).toSorted(([, a], [, b]) => b - a)
  return [
    `${nameOf(one)}${one.brokenBecause === null ? '' : ' (broken)'}`,
    number(one.requested),
    ...OUTCOMES.map((outcome) => number(one.outcomes[outcome])),
    total === one.requested ? `${number(total)} ✓` : `**${number(total)} ≠ ${number(one.requested)}**`,
    failure ? `${failure[0]} × ${number(failure[1])}` : 'none',
  ]
}

export function machineSection({ machine, options, startedAt, endedAt, notes }: BenchRecord): Section {
  return {
    id: 'machine',
    title: 'Machine and options',
    blocks: [
      table(
        'Where and how this was measured',
        ['', ''],
        [
          ['machine', `${machine.cpuModel}, ${machine.cores} cores, ${number(machine.memoryMiB)} MiB`],
          ['kernel', machine.kernel],
          ...Object.entries(machine.versions),
          ['CPU shares', machine.cpuLimit],
          ['from, to', `${startedAt}, ${endedAt}`],
          [
            'options',
            `${options.stages.join(', ')}; ${options.configurations.join(', ')}; ${options.loads.join(', ')}; ${options.runs} runs; seed ${options.seed}; ${options.runtime}`,
          ],
        ],
      ),
      ...(notes.length === 0 ? [] : [{ kind: 'list' as const, items: notes }]),
      text(
        'Each interval of a ratio is a 95 % interval of paired log-ratios; the two runs of a pair are measured one after the other. It is computed with Student’s t for up to thirty pairs, and with the percentile bootstrap for more. With few pairs it is wide. A difference within the A/A noise is not reported as a difference. Absolute rates apply to this machine only.',
      ),
    ],
  }
}

function nameOf({ stage, configuration, load, run, loop, cpuPerInstance }: Repetition): string {
  const held = cpuPerInstance === null ? 'shared cores' : `${cpuPerInstance} core`
  return `${stage} ${configuration} ${load} ${run}${loop === 'open' ? ' open' : ''}, ${held}`
}

function runsText(count: number): string {
  return count === 1 ? '1 run' : `${count} runs`
}

function sum<T>(values: readonly T[], field: (value: T) => number): number {
  return values.reduce((total, value) => total + field(value), 0)
}
