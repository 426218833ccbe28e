/**
 * What the database tier can carry when each database has a share of CPU of its own: three machines against one.
 *
 *   generator ─▶ db-lb ─▶ 1, 2 or 3 databases        reads only, writes only, the mix; more and more connections
 *
 * What theory expects of the mix needs the cost of a read and of a write, so every measurement is metered: CPU seconds of the databases
 * by request, the replicas' work on a write apart.
 */
import { nodesOf, type StageName } from '../../topology.ts'
import type { LoadRun } from '../load/load-run.ts'
import { runLoad } from '../load/run-load.ts'
import { WriteLedger } from '../load/write-ledger.ts'
import { countBetween, lookAtCounters } from '../measure/service-counters.ts'
import type { Capacity, PairedRuns } from '../results/bench-record.ts'
import type { Environments } from './environments.ts'
import { WRITE_SHARE } from './protocol.ts'
import type { TestEnvironment } from './test-environment.ts'

export interface CapacityPlan {
  readonly stage: StageName
  readonly cpuPerDatabase: number | null
  readonly connections: number
  readonly pairs: number
  /** How long one measurement should take, about. */
  readonly lastingS: number
  readonly concurrencies: readonly number[]
  readonly runsOfEach: number
  readonly seed: number
}

/** How much of each is writes. */
const SHARES = { reads: 0, writes: 1, mix: WRITE_SHARE } as const
type Kind = keyof typeof SHARES

const PROBE_REQUESTS = 400
const DATABASES_MAX = 3

export async function measureCapacity(
  plan: CapacityPlan,
  environments: Environments<TestEnvironment>,
  signal: AbortSignal,
  remark: (sentence: string) => void,
): Promise<Capacity> {
  const { stage, cpuPerDatabase, connections, pairs, concurrencies, runsOfEach } = plan
  const tier = new DatabaseTierLoad(plan, environments, signal, remark)
  const readsThreeAgainstOne = await tier.threeAgainstOne('reads', pairs)
  const writesThreeAgainstOne = await tier.threeAgainstOne('writes', pairs)
  const mixThreeAgainstOne = await tier.threeAgainstOne('mix', pairs)
  const two = await inSequence(pairs, () => tier.rate(2, 'reads'))
  const byConcurrency = []
  for (const each of concurrencies)
    byConcurrency.push({ connections: each, rates: await inSequence(runsOfEach, () => tier.rate(DATABASES_MAX, 'reads', each)) })
  const byDatabases = [
    { databases: 1, rates: readsThreeAgainstOne.ratesB },
    { databases: 2, rates: two },
    { databases: 3, rates: readsThreeAgainstOne.ratesA },
  ]
  return {
    stage,
    cpuPerDatabase,
    connections,
    readsThreeAgainstOne,
    writesThreeAgainstOne,
    mixThreeAgainstOne,
    byDatabases,
    byConcurrency,
    costs: tier.costs(),
    mixReadsOnPrimary: tier.mixReadsOnPrimary(),
  }
}

async function inSequence(times: number, measure: () => Promise<number>): Promise<readonly number[]> {
  const rates: number[] = []
  for (let time = 0; time < times; time++) rates.push(await measure())
  return rates
}

/** What requests of one kind cost the databases, the primary first; added up over several measurements. */
class Spent {
  #cpuS: number[] = []
  #reads: number[] = []
  #served = 0

  add(cpuS: readonly number[], reads: readonly number[], served: number): void {
    this.#cpuS = cpuS.map((value, index) => value + (this.#cpuS[index] ?? 0))
    this.#reads = reads.map((value, index) => value + (this.#reads[index] ?? 0))
    this.#served += served
  }

  /** For one request, of whoever served it. */
  cpuMsByDatabase(): readonly number[] {
    return this.#served === 0 ? [] : this.#cpuS.map((cpuS) => (cpuS / this.#served) * 1_000)
  }

  readsOfFirst(): number {
    return this.#reads[0]! / sumOf(this.#reads)
  }
}

class DatabaseTierLoad {
  readonly #plan: CapacityPlan
  readonly #environments: Environments<TestEnvironment>
  readonly #signal: AbortSignal
  readonly #remark: (sentence: string) => void
  /** By number of databases and kind. */
  readonly #spent = new Map<string, Spent>()
  /** The last rate of each kind of measurement: how many requests fill the time. */
  readonly #knownRates = new Map<string, number>()

  constructor(plan: CapacityPlan, environments: Environments<TestEnvironment>, signal: AbortSignal, remark: (sentence: string) => void) {
    this.#plan = plan
    this.#environments = environments
    this.#signal = signal
    this.#remark = remark
  }

  async threeAgainstOne(kind: Kind, pairs: number): Promise<PairedRuns> {
    const ratesA: number[] = []
    const ratesB: number[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const isThreeFirst = pair % 2 === 0
      if (isThreeFirst) ratesA.push(await this.rate(DATABASES_MAX, kind))
      ratesB.push(await this.rate(1, kind))
      if (!isThreeFirst) ratesA.push(await this.rate(DATABASES_MAX, kind))
    }
    return { a: `${kind}, three databases`, b: `${kind}, one database`, ratesA, ratesB }
  }

  /** Goodput of one measurement; what it cost is added to the costs. */
  async rate(databases: number, kind: Kind, connections = this.#plan.connections): Promise<number> {
    const environment = await this.#environment(databases)
    const requests = await this.#requestsThatFill(environment, kind, connections)
    const meter = environment.resources()
    let before: Awaited<ReturnType<typeof lookAtCounters>> | undefined
    // Not before: what opens the connections is asked of the databases here, as this load's entry is theirs.
    const whenOpened = async (): Promise<void> => {
      before = await lookAtCounters(environment.topology)
      await meter.start()
    }
    const { goodputPerSecond, outcomes } = await this.#load(environment, kind, connections, requests, whenOpened)
    // What the replicas have yet to do belongs to these writes.
    await environment.untilLevel(this.#signal)
    const instances = await meter.stop()
    const counts = [...countBetween(before!, await lookAtCounters(environment.topology)).values()]
    // A cost belongs to a concurrency: all costs are of the same one.
    if (connections !== this.#plan.connections) return goodputPerSecond
    this.#spentOn(databases, kind).add(
      // A database whose use is not known keeps its place.
      nodesOf(environment.topology, 'db').map(({ name }) => instances.find((one) => one.name === name)?.cpuS ?? Number.NaN),
      counts.map((count) => count?.reads ?? Number.NaN),
      outcomes.served,
    )
    return goodputPerSecond
  }

  /** From all measurements so far, so that what drifts between them is in each of the costs. Null when the meter saw nothing. */
  costs(): Capacity['costs'] {
    const reads = this.#spentOn(DATABASES_MAX, 'reads').cpuMsByDatabase()
    const [readAlone] = this.#spentOn(1, 'reads').cpuMsByDatabase()
    const [alone] = this.#spentOn(1, 'writes').cpuMsByDatabase()
    const [primary, ...replicas] = this.#spentOn(DATABASES_MAX, 'writes').cpuMsByDatabase()
    const cost = {
      readCpuMs: sumOf(reads),
      readAloneCpuMs: readAlone ?? 0,
      writeAloneCpuMs: alone ?? 0,
      writeOnPrimaryCpuMs: primary ?? 0,
      applyOnReplicaCpuMs: sumOf(replicas) / replicas.length,
    }
    return Object.values(cost).every((milliseconds) => milliseconds > 0) ? cost : null
  }

  /** Null when a database could not be asked. */
  mixReadsOnPrimary(): number | null {
    const share = this.#spentOn(DATABASES_MAX, 'mix').readsOfFirst()
    return Number.isFinite(share) ? share : null
  }

  #spentOn(databases: number, kind: Kind): Spent {
    const key = `${databases} ${kind}`
    const spent = this.#spent.get(key) ?? new Spent()
    this.#spent.set(key, spent)
    return spent
  }

  /** How many requests last as long as planned; of the first time some that nobody meters tell. */
  async #requestsThatFill(environment: TestEnvironment, kind: Kind, connections: number): Promise<number> {
    const known = this.#knownRates.get(keyOf(environment, kind, connections))
    const rate = known ?? (await this.#probe(environment, kind, connections))
    return Math.max(connections, Math.round(rate * this.#plan.lastingS))
  }

  /** After a reset: what this kind needs of connections has been closed since the last one, and a small share opens them slowly. */
  async #probe(environment: TestEnvironment, kind: Kind, connections: number): Promise<number> {
    await environment.reset(this.#signal)
    const { goodputPerSecond } = await this.#send(environment, kind, connections, PROBE_REQUESTS)
    // What the replicas have yet to do belongs to these.
    await environment.untilLevel(this.#signal)
    return goodputPerSecond
  }

  async #load(
    environment: TestEnvironment,
    kind: Kind,
    connections: number,
    requests: number,
    whenOpened: () => Promise<void>,
  ): Promise<LoadRun> {
    const run = await this.#send(environment, kind, connections, requests, whenOpened)
    this.#knownRates.set(keyOf(environment, kind, connections), run.goodputPerSecond)
    const databases = environment.databaseUrls.length
    const what = `In the capacity experiment (${kind}, ${databases} ${databases === 1 ? 'database' : 'databases'}, ${connections} connections)`
    if (run.outcomes.served < run.requested) this.#remark(`${what}, ${run.requested - run.outcomes.served} requests were not served.`)
    if (run.isGeneratorBottleneck) this.#remark(`${what}, the generator was the bottleneck.`)
    return run
  }

  async #send(
    environment: TestEnvironment,
    kind: Kind,
    connections: number,
    requests: number,
    whenOpened?: () => Promise<void>,
  ): Promise<LoadRun> {
    this.#signal.throwIfAborted()
    const run = await runLoad({
      entryUrl: environment.entryUrl,
      requests: Math.max(requests, connections),
      connections,
      loop: 'closed',
      ratePerSecond: null,
      seed: this.#plan.seed,
      writeShare: SHARES[kind],
      ledger: new WriteLedger(await environment.newestId()),
      isWarmUp: true,
      signal: this.#signal,
      ...(whenOpened && { whenOpened }),
    })
    this.#signal.throwIfAborted()
    return run
  }

  #environment(databases: number): Promise<TestEnvironment> {
    return this.#environments.databases(this.#plan.stage, databases, this.#plan.cpuPerDatabase, this.#signal)
  }
}

function keyOf({ databaseUrls }: TestEnvironment, kind: Kind, connections: number): string {
  return `${databaseUrls.length} ${kind} ${connections}`
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
