/**
 * What a record says, in sentences, for who reads nothing else. Every figure is computed from it, and what was not measured is left out.
 */
import type { AggregateWay, BenchRecord, Configuration } from '../results/bench-record.ts'
import { meanAndSpread } from '../statistics/mean-and-spread.ts'
import { pairedRatio, type Verdict } from '../statistics/paired-ratio.ts'
import { AGGREGATE_PARALLEL } from './claims.ts'
import { Doubt } from './doubt.ts'
import { number, percent, ratioText } from './figure-text.ts'
import { goodput, ratioOf, scenariosOf } from './scenario.ts'

export function conclusionSentences(record: BenchRecord): readonly string[] {
  return [...gains(record), ...errors(record), ...capacity(record), ...aggregates(record), ...pause(record)]
}

/** One sentence for each stage, with shares and without. */
function gains(record: BenchRecord): string[] {
  const doubt = new Doubt(record)
  const closed = scenariosOf(record.repetitions).filter(({ first }) => first.loop === 'closed')
  const groups = Map.groupBy(closed, ({ first: { stage, cpuPerInstance } }) => `${stage} ${cpuPerInstance}`)
  return [...groups.values()].flatMap((group) => {
    const found = group.flatMap((scenario) => {
      const ratio = ratioOf(scenario, goodput)
      return ratio === null ? [] : [{ load: scenario.first.load, ratio, verdict: doubt.verdict(ratio), because: doubt.of(scenario) }]
    })
    if (found.length === 0) return []
    const { stage, cpuPerInstance } = group[0]!.first
    const held =
      cpuPerInstance === null
        ? 'all instances share the cores, so more instances do not mean more machines'
        : `each instance has ${cpuPerInstance} of a core of its own`
    const figures = found.map(({ load, ratio }) => `${load} ${ratioText(ratio)}`).join(', ')
    return [
      `**${stage === 'stage1' ? 'Stage 1' : 'Stage 2'}, ${held}:** goodput ratio of three instances per tier behind Nginx to one instance per tier without Nginx: ${figures}. ${inWords(found)}`,
    ]
  })
}

interface Found {
  readonly load: string
  readonly verdict: Verdict
  /** Why it should not be believed. */
  readonly because: string | null
}

function inWords(found: readonly Found[]): string {
  const believed = found.filter(({ because }) => because === null)
  const said = (['larger', 'smaller', 'same'] as const).flatMap((verdict) => {
    const loads = believed.filter((one) => one.verdict === verdict).map(({ load }) => load)
    return loads.length === 0 ? [] : [`${OPENINGS[verdict]} under ${loads.join(', ')}.`]
  })
  const doubted = Map.groupBy(found, ({ because }) => because)
  doubted.delete(null)
  const unsaid = [...doubted].map(
    ([because, ones]) => `Nothing can be concluded about ${ones.map(({ load }) => load).join(', ')}: ${because!}.`,
  )
  return [...said, ...unsaid].join(' ')
}

const OPENINGS: Record<Verdict, string> = {
  larger: 'Load balancing increases goodput',
  smaller: 'Load balancing reduces goodput',
  same: 'No difference can be shown',
}

function errors({ repetitions }: BenchRecord): string[] {
  const kept = repetitions.filter(({ brokenBecause }) => brokenBecause === null)
  if (kept.length === 0) return []
  const of = (configuration: Configuration): string => {
    const own = kept.filter((one) => one.configuration === configuration)
    const requested = own.reduce((sum, one) => sum + one.requested, 0)
    const served = own.reduce((sum, one) => sum + one.outcomes.served, 0)
    return `${number(requested - served)} of ${number(requested)}`
  }
  return [
    `**Errors:** with load balancing, ${of('balanced')} requests did not get a right answer; without it, ${of('single')}. The report states 0.05 % and 3.25 %. No fault was injected in these runs, so any error would be a defect of the system or of the measurement.`,
  ]
}

function capacity({ capacity: found }: BenchRecord): string[] {
  if (found === null) return []
  const [reads, writes, mix] = [found.readsThreeAgainstOne, found.writesThreeAgainstOne, found.mixThreeAgainstOne].map((runs) =>
    ratioText(pairedRatio(runs.ratesA, runs.ratesB)),
  )
  return [
    `**Where the gain comes from:** three databases serve ${reads!} times the reads of one, ${writes!} times the writes, and ${mix!} times the mix of 80 % reads and 20 % writes. Replicas take over reads; every write is applied by every database and acknowledged by one.`,
  ]
}

function aggregates({ aggregates: runs }: BenchRecord): string[] {
  const at = (way: AggregateWay) => runs.filter((run) => run.way === way && run.parallel === AGGREGATE_PARALLEL)
  const [bare, pooled, balanced] = [at('connection-a-query-primary'), at('pooled-primary'), at('pooled-db-lb')]
  if (bare.length === 0 || pooled.length === 0 || balanced.length === 0) return []
  const asked = bare.length * AGGREGATE_PARALLEL
  const refused = bare.reduce((sum, { tooManyClients }) => sum + tooManyClients, 0)
  const failures = (own: typeof runs): number => own.reduce((sum, { tooManyClients, otherErrors }) => sum + tooManyClients + otherErrors, 0)
  const seconds = (own: typeof runs): string => number(meanAndSpread(own.map(({ durationMs }) => durationMs / 1_000))!.mean, 1)
  const isPoolEnough = refused > 0 && failures(pooled) === 0
  const because = isPoolEnough ? ' So the errors were a matter of connections; only the time depends on the number of servers.' : ''
  return [
    `**The PostgreSQL test:** when each of ${AGGREGATE_PARALLEL} parallel queries opens its own connection to one server, ${percent(refused / asked, 0)} are refused with “too many clients”. With a pool in front of the same server, there are ${number(failures(pooled))} errors, and all of them together take ${seconds(pooled)} s. With pools in front of three servers, through db-lb, there are ${number(failures(balanced))} errors, and they take ${seconds(balanced)} s.${because}`,
  ]
}

function pause({ pause: found }: BenchRecord): string[] {
  if (found === null) return []
  const [open, closed] = [found.open.latency.p99Ms, found.closed.latency.p99Ms].map((p99Ms) => number(p99Ms, 0))
  return [
    `**How it is measured matters:** when one database pauses for ${number(found.pauseMs)} ms, p99 is ${open!} ms if requests keep arriving, and ${closed!} ms if each client waits for its previous answer, as \`ab\` does.`,
  ]
}
