/**
 * The report's section 6.3.2, with the balancer and the pool taken apart.
 *
 *   connection-a-query-primary   N connections at once to db1: above `max_connections` PostgreSQL refuses (53300)
 *   connection-a-query-three     the same, the server chosen by i % 3, as the report's shell loop did
 *   pooled-primary               N requests in line for a few connections to db1
 *   pooled-db-lb                 N requests to db-lb's read group (least_conn) over three such lines
 *
 * With a connection a query, nobody asks before everybody has a connection or was refused one: N parallel clients are N connections at
 * the same time. A server on a small share of CPU would otherwise be too slow in accepting them ever to hold a hundred.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import path from 'node:path'
import type { Sql } from 'postgres'
import { z } from 'zod'
import type { Cluster, ClusterNode } from '@relais/stage2-postgres/cluster/cluster.ts'
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { primaryOf } from '@relais/stage2-postgres/cluster/cluster.ts'
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { askOnce } from '../../runtime/ask-once.ts'
import { serverPlans } from '../../runtime/postgres-servers.ts'
import { summarizeLatencies } from '../load/latency-summary.ts'
import { AGGREGATE_WAYS, type AggregateRun, type AggregateWay } from '../results/bench-record.ts'
import { AggregateServices } from './aggregate-services.ts'
import { AGGREGATE_QUERY, CITIES, makeAggregateTable } from './aggregate-table.ts'
import type { NativeEnvironment } from './native-environment.ts'

export interface AggregatePlan {
  readonly parallels: readonly number[]
  readonly runs: number
}

const QUERY_MS_MAX = 300_000
const TOO_MANY_CLIENTS = '53300'

/** Resolves to the name of the server that answered; calls `connected` once, when it holds a connection, and waits for what that says. */
type Ask = (index: number, connected: () => Promise<void>) => Promise<string>

/** Opens when each of `count` has arrived. */
class Gate {
  #missing: number
  readonly #opened = Promise.withResolvers<void>()

  constructor(count: number) {
    this.#missing = count
  }

  arrive(): Promise<void> {
    this.#missing -= 1
    if (this.#missing === 0) this.#opened.resolve()
    return this.#opened.promise
  }
}

export async function measureAggregates(
  plan: AggregatePlan,
  environment: NativeEnvironment,
  signal: AbortSignal,
  keep: (run: AggregateRun) => void,
): Promise<void> {
  const cluster = await describeCluster({ dir: environment.directory.postgres, nodes: serverPlans(environment.topology) })
  await makeAggregateTable(cluster)
  await environment.untilLevel(signal)
  const prefix = path.join(environment.directory.root, 'nginx', 'aggregate-lb')
  const services = await AggregateServices.start(environment.topology, cluster, prefix)
  try {
    const ways = waysOf(cluster, services)
    await warmUp(cluster, services)
    for (let run = 1; run <= plan.runs; run++)
      for (const parallel of plan.parallels)
        for (const way of run % 2 === 1 ? AGGREGATE_WAYS : AGGREGATE_WAYS.toReversed()) {
          keep(await unlessEnded(signal, measureWay(way, parallel, run, ways[way])))
        }
  } finally {
    await services.stop()
  }
}

function waysOf(cluster: Cluster, { primaryUrl, balancerUrl }: AggregateServices): Record<AggregateWay, Ask> {
  const primary = primaryOf(cluster)
  return {
    'connection-a-query-primary': (_, connected) => askServer(primary, connected),
    'connection-a-query-three': (index, connected) => askServer(cluster.nodes[index % cluster.nodes.length]!, connected),
    'pooled-primary': () => askService(primaryUrl),
    'pooled-db-lb': () => askService(balancerUrl),
  }
}

/** Each server has read the table, each pool has its connections. */
async function warmUp(cluster: Cluster, { primaryUrl, balancerUrl }: AggregateServices): Promise<void> {
  for (const node of cluster.nodes) await askServer(node)
  await Promise.all([primaryUrl, balancerUrl].flatMap((url) => Array.from({ length: 30 }, () => askService(url))))
}

async function measureWay(way: AggregateWay, parallel: number, run: number, ask: Ask): Promise<AggregateRun> {
  const startedAtMs = performance.now()
  const latenciesUs: number[] = []
  const servedBy: Record<string, number> = {}
  let tooManyClients = 0
  let otherErrors = 0
  const gate = new Gate(parallel)
  const queries = Array.from({ length: parallel }, async (_, index) => {
    let hasArrived = false
    const connected = (): Promise<void> => {
      hasArrived = true
      return gate.arrive()
    }
    try {
      const server = await ask(index, connected)
      latenciesUs.push((performance.now() - startedAtMs) * 1000)
      servedBy[server] = (servedBy[server] ?? 0) + 1
    } catch (error) {
      if (!hasArrived) void gate.arrive()
      if (isTooManyClients(error)) tooManyClients += 1
      else otherErrors += 1
    }
  })
  await Promise.all(queries)
  const durationMs = performance.now() - startedAtMs
  const latency = summarizeLatencies(Float64Array.from(latenciesUs))
  return { way, parallel, run, durationMs, served: latenciesUs.length, tooManyClients, otherErrors, latency, servedBy }
}

async function askServer(node: ClusterNode, connected: () => Promise<void> = async () => {}): Promise<string> {
  const visit = async (sql: Sql): Promise<readonly unknown[]> => {
    await sql`SELECT 1`
    await connected()
    return sql.unsafe(AGGREGATE_QUERY)
  }
  const rows = await loginAs(node, 'readonly', visit, { timeoutMs: QUERY_MS_MAX })
  requireCities(rows.length)
  return node.name.toUpperCase()
}

const answerSchema = z.object({ server: z.string(), rows: z.number() })
const refusalSchema = z.object({ code: z.string() })

async function askService(url: string): Promise<string> {
  const { status, text } = await askOnce(url, QUERY_MS_MAX)
  if (status !== 200) throw Object.assign(new Error(`answered ${status}`), refusalSchema.safeParse(tryJson(text)).data)
  const { server, rows } = answerSchema.parse(JSON.parse(text))
  requireCities(rows)
  return server
}

function requireCities(rows: number): void {
  if (rows !== CITIES.length) throw new Error(`the aggregate has ${rows} rows, expected one for each of ${CITIES.length} cities`)
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isTooManyClients(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === TOO_MANY_CLIENTS
}

/** Rejects when the signal says so; the queries that are left behind end with their servers. */
async function unlessEnded<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const isOver = new AbortController()
  const ended = sleep(QUERY_MS_MAX, undefined, { signal: AbortSignal.any([signal, isOver.signal]) }).catch(() => {})
  try {
    await Promise.race([work, ended])
    signal.throwIfAborted()
    return await work
  } finally {
    isOver.abort()
  }
}
