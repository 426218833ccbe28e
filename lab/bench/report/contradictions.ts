/**
 * Six objections to the report's figures, each held against this record: one that it does not bear out is said to be so.
 */
import type { BenchRecord } from '../results/bench-record.ts'
import { agreesWithLittle } from '../statistics/littles-law.ts'
import { pairedRatio, type Ratio } from '../statistics/paired-ratio.ts'
import { AGGREGATE_PARALLEL, GAIN_CLAIMS, type Standing } from './claims.ts'
import { gainText, NONE, number, ratioText } from './figure-text.ts'
import { goodput, ratioOf, scenariosOf } from './scenario.ts'

export interface Contradiction {
  readonly objection: string
  readonly measured: string
  readonly standing: Standing
}

export function contradictionsOf(record: BenchRecord): readonly Contradiction[] {
  return [lightTwice(record), failuresCounted(record), readsOnly(record), little(record), poolAlone(record), coresShared(record)]
}

function holds(ratio: Ratio, value: number): boolean {
  return ratio.low <= value && value <= ratio.high
}

function areApart(a: Ratio, b: Ratio): boolean {
  return a.high < b.low || b.high < a.low
}

function lightTwice({ repetitions }: BenchRecord): Contradiction {
  const objection = '1. The gain under light load is +20.6 % in 6.2 and +41.8 % in 6.4: they cannot both be right'
  const claimed = GAIN_CLAIMS.filter(({ load, what }) => load === 'light' && what === 'requests/s').map(({ ratio }) => ratio)
  const ratios = scenariosOf(repetitions).flatMap((one) =>
    one.first.load === 'light' && one.first.loop === 'closed' ? (ratioOf(one, goodput) ?? []) : [],
  )
  if (ratios.length === 0) return { objection, measured: 'no pairs under light load', standing: 'inconclusive' }
  const isBoth = ratios.some((ratio) => claimed.every((value) => holds(ratio, value)))
  return { objection, measured: ratios.map(gainText).join('; '), standing: isBoth ? 'inconclusive' : 'upheld' }
}

function failuresCounted({ repetitions }: BenchRecord): Contradiction {
  const objection = '2. `ab` counts failed requests in requests/s, so wrong answers raise the figure'
  const kept = repetitions.filter(({ brokenBecause }) => brokenBecause === null)
  const raised = kept.filter(({ goodputPerSecond, throughputPerSecond }) => throughputPerSecond > goodputPerSecond * 1.001)
  const measured = `in ${raised.length} of ${kept.length} runs, the rate of all answers is above that of right answers`
  return { objection, measured, standing: raised.length > 0 ? 'upheld' : 'inconclusive' }
}

function readsOnly({ capacity }: BenchRecord): Contradiction {
  const objection = '3. The report measured GETs of one URL and not the 80/20 mix, and the two gain differently'
  const reads = capacity && pairedRatio(capacity.readsThreeAgainstOne.ratesA, capacity.readsThreeAgainstOne.ratesB)
  const mix = capacity && pairedRatio(capacity.mixThreeAgainstOne.ratesA, capacity.mixThreeAgainstOne.ratesB)
  if (!reads || !mix) return { objection, measured: 'capacity was not measured', standing: 'inconclusive' }
  const measured = `three databases against one: reads ${ratioText(reads)}, mix ${ratioText(mix)}`
  return { objection, measured, standing: areApart(reads, mix) ? 'upheld' : 'inconclusive' }
}

/** The report's own light figures, section 6.2. */
const REPORTED = { ratePerSecond: 2_326, meanMs: 433.7, concurrency: 100 }

function little({ repetitions }: BenchRecord): Contradiction {
  const objection = "4. Little's law contradicts the light test: it was not run at 100 concurrent requests"
  const closed = repetitions.filter(
    ({ brokenBecause, loop, latency }) => brokenBecause === null && loop === 'closed' && latency.meanMs !== null,
  )
  const agreeing = closed.filter(({ goodputPerSecond, latency, connections }) =>
    agreesWithLittle(goodputPerSecond, latency.meanMs!, connections),
  )
  const isReportAgreeing = agreesWithLittle(REPORTED.ratePerSecond, REPORTED.meanMs, REPORTED.concurrency)
  const measured = `the law holds in ${agreeing.length} of our ${closed.length} runs, ${isReportAgreeing ? 'and in' : 'but not in'} the report’s light test`
  if (isReportAgreeing) return { objection, measured, standing: 'not upheld' }
  return { objection, measured, standing: closed.length > 0 && agreeing.length * 2 > closed.length ? 'upheld' : 'inconclusive' }
}

function poolAlone({ aggregates }: BenchRecord): Contradiction {
  const objection = '5. A connection pool on one server is enough to prevent refused queries, without any replica'
  const at = (way: string) => aggregates.filter((run) => run.way === way && run.parallel === AGGREGATE_PARALLEL)
  const [without, pooled] = [at('connection-a-query-primary'), at('pooled-primary')]
  if (without.length === 0 || pooled.length === 0) return { objection, measured: 'not measured', standing: 'inconclusive' }
  const refused = without.reduce((sum, { tooManyClients }) => sum + tooManyClients, 0)
  const errors = pooled.reduce((sum, { tooManyClients, otherErrors }) => sum + tooManyClients + otherErrors, 0)
  const measured = `${number(refused)} refused (53300) without a pool, ${number(errors)} errors with one`
  if (errors > 0) return { objection, measured, standing: 'not upheld' }
  return { objection, measured, standing: refused > 0 ? 'upheld' : 'inconclusive' }
}

function coresShared({ repetitions }: BenchRecord): Contradiction {
  const objection = '6. On shared cores, the gain depends on the machine; instances with their own share of CPU gain more'
  const scenarios = scenariosOf(repetitions).filter(({ first }) => first.loop === 'closed')
  const pairs = scenarios.flatMap((held) => {
    if (held.first.cpuPerInstance === null) return []
    const shared = scenarios.find(
      ({ first }) => first.cpuPerInstance === null && first.stage === held.first.stage && first.load === held.first.load,
    )
    const [ofHeld, ofShared] = [ratioOf(held, goodput), shared ? ratioOf(shared, goodput) : null]
    return ofHeld && ofShared ? [{ ofHeld, ofShared }] : []
  })
  if (pairs.length === 0) return { objection, measured: `needs both kinds in one run: ${NONE}`, standing: 'inconclusive' }
  const measured = pairs.map(({ ofHeld, ofShared }) => `own share ${gainText(ofHeld)}, shared cores ${gainText(ofShared)}`).join('; ')
  if (pairs.every(({ ofHeld, ofShared }) => ofHeld.low > ofShared.high)) return { objection, measured, standing: 'upheld' }
  return {
    objection,
    measured,
    standing: pairs.some(({ ofHeld, ofShared }) => ofHeld.high < ofShared.low) ? 'not upheld' : 'inconclusive',
  }
}
