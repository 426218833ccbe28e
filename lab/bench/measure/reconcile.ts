/**
 * Do all who counted agree? The client's classes against each load balancer's log and each tier's own counters.
 *
 *   client ─▶ frontend-lb ─▶ frontends ─▶ backend-lb ─▶ backends ─▶ db-lb ─▶ databases
 *     sent      lines, tries   answered     lines, tries  answered    lines     answered
 *
 * What each place may count follows from its neighbour: every answer came from somewhere, nothing is asked more often than it was tried. Between
 * the two bounds a difference is explained by a class (lost, timed out, refused here, a try that failed). Outside of them it is
 * said in a sentence: somebody has lost count, and the figures of this run rest on it.
 */
import { nodesOf, type Tier, type Topology } from '../../topology.ts'
import type { Reconciliation } from '../results/bench-record.ts'
import type { LoadRun } from '../load/load-run.ts'
import type { LoggedRequest } from './access-logs.ts'
import type { CounterLook } from './service-counters.ts'

export interface Counted {
  readonly topology: Topology
  readonly load: Pick<LoadRun, 'requested' | 'notSent' | 'outcomes'>
  /** By balancer; empty with `single`. Null where nobody could read them. */
  readonly logs: ReadonlyMap<string, readonly LoggedRequest[]> | null
  /** By instance. */
  readonly counters: CounterLook
}

/** What comes out of one place towards the next: at least and at most so many requests. */
interface Flow {
  readonly from: string
  readonly least: number
  readonly most: number
}

const TIERS: readonly Tier[] = ['frontend', 'backend', 'db']

export function reconcile({ topology, load, logs, counters }: Counted): Reconciliation {
  const { requested, notSent, outcomes } = load
  const counts: Record<string, number> = { client: requested - notSent }
  const differences: string[] = []
  let flow: Flow = { from: 'the client', least: outcomes.served + outcomes.wrong + outcomes.refused, most: requested - notSent }
  for (const tier of TIERS) {
    const balancer = topology.loadBalancers.find((each) => each.tier === tier)
    if (balancer && logs === null) {
      flow = flowPastUnread(balancer.name, flow, outcomes.served)
    } else if (balancer && logs) {
      const lines = logs.get(balancer.name) ?? []
      counts[balancer.name] = lines.length
      differences.push(...compare(flow, balancer.name, lines.length), ...(tier === 'frontend' ? findRepeats(balancer.name, lines) : []))
      flow = flowOfBalancer(balancer.name, lines)
    }
    const tierCount = countOfTier(topology, tier, counters)
    counts[tier] = tierCount.answered
    if (tierCount.unknown.length > 0) {
      differences.push(`${tierCount.unknown.join(', ')}: no count, because it did not answer or was restarted during the run`)
      flow = { from: `the ${tier} tier`, least: 0, most: Number.POSITIVE_INFINITY }
      continue
    }
    differences.push(...compare(flow, `the ${tier} tier`, tierCount.answered))
    // An answer 2xx needs the next tier; any other may have been given here.
    flow = { from: `the ${tier} tier`, least: tierCount.served, most: tierCount.answered }
  }
  return { counts, differences }
}

function compare({ from, least, most }: Flow, place: string, found: number): string[] {
  if (found < least) return [`${place} counted ${found}, but ${from} had ${least} answers from there: ${least - found} too few`]
  if (found > most) return [`${place} counted ${found}, but ${from} asked ${most} times at most: ${found - most} too many`]
  return []
}

/** Each try went to an instance; one that came back with its own answer was certainly counted there. */
function flowOfBalancer(from: string, lines: readonly LoggedRequest[]): Flow {
  let [least, most] = [0, 0]
  for (const { tries } of lines) {
    most += tries.length
    least += tries.filter(({ status }) => status !== undefined && !MADE_BY_NGINX.has(status)).length
  }
  return { from, least, most }
}

/** Without its log: what the client was served came through it, and it tries each request three times at most. */
function flowPastUnread(from: string, { most }: Flow, served: number): Flow {
  return { from, least: served, most: most * TRIES_MAX }
}

const TRIES_MAX = 3

/** What Nginx notes for a try that failed; an instance may have answered so itself, so these only widen the bounds. */
const MADE_BY_NGINX: ReadonlySet<number> = new Set([499, 502, 504])

/** At the edge: one request, one line, as the client repeats none. Behind it a second try of the balancer before makes a second line. */
function findRepeats(balancer: string, lines: readonly LoggedRequest[]): string[] {
  const repeats = lines.length - new Set(lines.map(({ requestId }) => requestId)).size
  return repeats === 0 ? [] : [`${balancer} logged ${repeats} requests more than once`]
}

function countOfTier(topology: Topology, tier: Tier, counters: CounterLook): { answered: number; served: number; unknown: string[] } {
  let [answered, served] = [0, 0]
  const unknown: string[] = []
  for (const { name } of nodesOf(topology, tier)) {
    const count = counters.get(name)
    if (!count) {
      unknown.push(name)
      continue
    }
    answered += count.reads + count.writes
    served += count.readsServed + count.writesServed
  }
  return { answered, served, unknown }
}
