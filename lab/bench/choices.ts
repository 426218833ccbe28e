/**
 * What somebody who has to choose wants figures for (docs/CHOOSING.md is made of them):
 *
 *   1. a durability level: writes at db-lb, three databases, by one client and by fifty
 *   2. a balancing policy: reads at backend-lb, all backends alike, and one of them slow
 *   3. a pool's size: queries by 64 clients through 1 to 64 connections to one PostgreSQL server
 *
 *   node_modules/.bin/node lab/bench/choices.ts [--rounds N] [--only durability|policy|pool]
 *
 * All on the machine's shared cores. Rates are of answers that were checked and found right; any other answer is an error.
 */
import { parseArgs } from 'node:util'
import { DURABILITIES } from '../service-environment.ts'
import type { Policy } from '../runtime/runtime.ts'
import { TestCluster } from '../test/test-cluster.ts'
import { entryUrl, topologyOf, type StageName, type Tier } from '../topology.ts'
import { compareChoices, describeChoices, type Choice, type Measured } from './compare-choices.ts'
import { summarizeLatencies } from './load/latency-summary.ts'
import { runLoad } from './load/run-load.ts'
import { ending, sendRequests } from './load.ts'
import { WriteLedger } from './load/write-ledger.ts'
import { PostgresPrimary } from './postgres-primary.ts'
import { AGGREGATE_QUERY } from './suite/aggregate-table.ts'

const SUBJECTS = ['durability', 'policy', 'pool'] as const
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '6' }, only: { type: 'string' } } })
const rounds = Number(values.rounds)
if (values.only !== undefined && !SUBJECTS.some((subject) => subject === values.only))
  throw new Error(`Failed to read --only: found ${JSON.stringify(values.only)}, expected one of ${SUBJECTS.join(', ')}.`)

const LASTING_S = 2
/** One takes tens of milliseconds. */
const AGGREGATES_LASTING_S = 5
const PROBE_REQUESTS = 300
const PAGE = 20
const BODY = JSON.stringify({ message: 'a message of an ordinary length, as a person might type it' })
const CLIENTS = 50
/** Sticky needs a visitor's cookie, which the generator does not keep. */
const POLICIES_COMPARED: readonly Policy[] = ['round-robin', 'least-conn', 'random-two', 'weighted', 'ip-hash', 'hash']
const SLOW_MS = 50
const POOL_CLIENTS = 64
const POOL_SIZES = [4, 1, 2, 8, 16, 32, 64]

for (const [subject, compare] of [
  ['durability', compareDurabilities],
  ['policy', comparePolicies],
  ['pool', comparePools],
] as const)
  if (values.only === undefined || values.only === subject) await compare()

async function compareDurabilities(): Promise<void> {
  // Stage 2 changes it while it runs; of stage 1 a cluster for each stands side by side.
  await withClusters([['stage2']], async ([cluster]) => {
    const set = (level: string): Promise<void> => act(cluster!, 'durability', 'stage2', '--set', level)
    for (const clients of [1, CLIENTS])
      await print(
        `stage 2: writes by ${clients} client${clients === 1 ? '' : 's'}`,
        DURABILITIES.map((level) => choiceOf(level, tierOf(cluster!, 'stage2', 'db'), clients, 1, () => set(level))),
      )
  })
  const ups = DURABILITIES.map((level) => ['stage1', '--durability', level] as const)
  await withClusters(ups, async (clusters) => {
    for (const clients of [1, CLIENTS])
      await print(
        `stage 1: writes by ${clients} client${clients === 1 ? '' : 's'}`,
        DURABILITIES.map((level, index) => choiceOf(level, tierOf(clusters[index]!, 'stage1', 'db'), clients, 1)),
      )
  })
}

async function comparePolicies(): Promise<void> {
  await withClusters([['stage1']], async ([cluster]) => {
    const url = tierOf(cluster!, 'stage1', 'backend')
    const set = (policy: Policy): Promise<void> => act(cluster!, 'policy', 'stage1', '--set', policy, '--tier', 'backend')
    const choices = POLICIES_COMPARED.map((policy) => choiceOf(policy, url, CLIENTS, 0, () => set(policy)))
    await sendRequests({ url: `${url}/api/data`, method: 'POST', body: BODY, connections: 1, amount: PAGE })
    await print(`reads by ${CLIENTS} clients, three backends alike`, choices)
    await act(cluster!, 'slow', 'stage1/backend2', '--delay-ms', String(SLOW_MS))
    await print(`reads by ${CLIENTS} clients, one of three backends holds each request back ${SLOW_MS} ms`, choices)
  })
}

async function comparePools(): Promise<void> {
  await using primary = await PostgresPrimary.start()
  await primary.fillForAggregates()
  const newest = 'SELECT id, message, origin FROM relais.records ORDER BY id DESC LIMIT ' + PAGE
  await primary.fill(1_000)
  for (const [what, query, lastingS] of [
    ['the newest page', newest, LASTING_S],
    ['the aggregate over 100 000 rows', AGGREGATE_QUERY, AGGREGATES_LASTING_S],
  ] as const)
    await print(
      `${what}, asked by ${POOL_CLIENTS} clients at once, by connections in the pool`,
      POOL_SIZES.map((size) => ({ name: `${size}`, measure: () => queriesThrough(primary, size, query, lastingS) })),
    )
}

/** A load of one kind on one address; `set` puts in force what is measured. */
function choiceOf(name: string, url: string, connections: number, writeShare: number, set?: () => Promise<void>): Choice {
  let rate: number | undefined
  const send = async (requests: number): Promise<Measured> => {
    const shape = { entryUrl: url, requests, connections, writeShare, readPath: `/api/data?limit=${PAGE}` }
    const run = await runLoad({
      ...shape,
      loop: 'closed',
      ratePerSecond: null,
      seed: 1,
      // Reads show what was there before, and nobody here wrote it.
      ledger: new WriteLedger(writeShare > 0 ? 0 : Number.MAX_SAFE_INTEGER),
      isWarmUp: true,
      signal: ending,
    })
    ending.throwIfAborted()
    if (run.outcomes.served < run.requested)
      throw new Error(
        `Failed to measure ${name}: of ${run.requested} requests ${run.outcomes.served} were served (${JSON.stringify(run.failures)}).`,
      )
    const { p50Ms, p99Ms } = run.latency
    return { ratePerSecond: run.goodputPerSecond, p50Ms: p50Ms!, p99Ms: p99Ms!, clientBusyShare: run.generatorBusyShare }
  }
  return {
    name,
    measure: async () => {
      await set?.()
      // What was just put in force opens its connections first, and the first time tells how many requests fill the time.
      const probed = await send(Math.max(PROBE_REQUESTS, 2 * connections))
      const measured = await send(Math.max(connections, Math.round((rate ?? probed.ratePerSecond) * LASTING_S)))
      rate = measured.ratePerSecond
      return measured
    },
  }
}

async function queriesThrough(primary: PostgresPrimary, size: number, query: string, lastingS: number): Promise<Measured> {
  const sql = primary.pool(size)
  try {
    // Each connection is open and has planned the query before the clock starts.
    await Promise.all(Array.from({ length: 2 * size }, () => sql.unsafe(query, [], { prepare: true })))
    const latenciesUs: number[] = []
    const beganAtMs = performance.now()
    const busyBefore = performance.eventLoopUtilization()
    const client = async (): Promise<void> => {
      while (performance.now() - beganAtMs < lastingS * 1_000) {
        ending.throwIfAborted()
        const askedAtMs = performance.now()
        await sql.unsafe(query, [], { prepare: true })
        latenciesUs.push((performance.now() - askedAtMs) * 1_000)
      }
    }
    await Promise.all(Array.from({ length: POOL_CLIENTS }, client))
    const { p50Ms, p99Ms } = summarizeLatencies(Float64Array.from(latenciesUs))
    const { utilization } = performance.eventLoopUtilization(busyBefore)
    const ratePerSecond = (1_000 * latenciesUs.length) / (performance.now() - beganAtMs)
    return { ratePerSecond, p50Ms: p50Ms!, p99Ms: p99Ms!, clientBusyShare: utilization }
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function print(title: string, choices: readonly Choice[]): Promise<void> {
  console.log(`${describeChoices(title, await compareChoices(choices, rounds))}\n`)
}

/** Each with what `up` is told. */
async function withClusters(
  ups: readonly (readonly [StageName, ...string[]])[],
  work: (clusters: readonly TestCluster[]) => Promise<void>,
): Promise<void> {
  const clusters: TestCluster[] = []
  try {
    for (const [stage, ...options] of ups) {
      const cluster = await TestCluster.create(stage)
      clusters.push(cluster)
      await act(cluster, 'up', stage, '--detach', ...options)
    }
    await work(clusters)
  } finally {
    await Promise.allSettled(clusters.map((cluster) => cluster.remove()))
  }
}

function tierOf({ portOffset }: TestCluster, stage: StageName, tier: Tier): string {
  return entryUrl(topologyOf(stage, { portOffset }), tier)
}

async function act(cluster: TestCluster, ...args: string[]): Promise<void> {
  ending.throwIfAborted()
  const { code, stderr } = await cluster.lab(...args)
  if (code !== 0) throw new Error(`Failed to ${args.join(' ')}: exit code ${code}, ${stderr}`)
}
