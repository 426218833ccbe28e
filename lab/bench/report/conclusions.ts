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
        ? 'all instances share the cores, so that more of them are no more machines'
        : `each instance has ${cpuPerInstance} of a core of its own`
    const figures = found.map(({ load, ratio }) => `${load} ${ratioText(ratio)}`).join(', ')
    return [
      `**${stage === 'stage1' ? 'Stage 1' : 'Stage 2'}, ${held}:** three instances a tier behind Nginx serve so many times what one without it serves: ${figures}. ${inWords(found)}`,
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
  const unsaid = [...doubted].map(([because, ones]) => `Nothing can be said of ${ones.map(({ load }) => load).join(', ')}: ${because!}.`)
  return [...said, ...unsaid].join(' ')
}

const OPENINGS: Record<Verdict, string> = {
  larger: 'Load balancing gains',
  smaller: 'Load balancing costs',
  same: 'No difference can be told',
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
    `**Errors:** ${of('balanced')} requests were not served right with load balancing, ${of('single')} without. The report has 0.05 % and 3.25 %. Nothing was broken on purpose in these runs, so an error would be a fault of the system or of the measurement.`,
  ]
}

function capacity({ capacity: found }: BenchRecord): string[] {
  if (found === null) return []
  const [reads, writes, mix] = [found.readsThreeAgainstOne, found.writesThreeAgainstOne, found.mixThreeAgainstOne].map((runs) =>
    ratioText(pairedRatio(runs.ratesA, runs.ratesB)),
  )
  return [
    `**Where the gain comes from:** three databases serve ${reads!} times the reads of one, ${writes!} times the writes, and ${mix!} times the mix of 80 % and 20 %. Replicas carry reads; a write is made by every database and acknowledged by one.`,
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
  const because = isPoolEnough ? ' So the errors were a matter of connections, and only the time is one of servers.' : ''
  return [
    `**The PostgreSQL test:** of ${AGGREGATE_PARALLEL} parallel queries on one server ${percent(refused / asked, 0)} are refused with “too many clients” when each has a connection of its own. A pool before the same server: ${number(failures(pooled))} errors, ${seconds(pooled)} s for all of them. Pools before three servers, through db-lb: ${number(failures(balanced))} errors, ${seconds(balanced)} s.${because}`,
  ]
}

function pause({ pause: found }: BenchRecord): string[] {
  if (found === null) return []
  const [open, closed] = [found.open.latency.p99Ms, found.closed.latency.p99Ms].map((p99Ms) => number(p99Ms, 0))
  return [
    `**How it is measured matters:** a pause of ${number(found.pauseMs)} ms of one database makes a p99 of ${open!} ms when requests keep coming, and of ${closed!} ms when each client waits for its last answer, as \`ab\` does.`,
  ]
}
