/**
 * What replication costs and how fast it is (stage 1):
 *
 *   1. writes with two replicas (log, async) against writes without: on shared cores, with a share for each, and with replicas that
 *      only confirm
 *   2. how fast a replica that restarts empty catches up, and what a million records weigh
 *   3. the newest page at 1 000 and at 1 000 000 records
 *
 *   node_modules/.bin/node lab/bench/stage1-replication.ts [--starts N] [--pairs N] [--seconds N] [--share CORES] [--writes-only]
 */
import { parseArgs } from 'node:util'
import { geometricMean } from 'simple-statistics'
import { DatabaseProcesses, type DatabaseOptions } from './database-processes.ts'
import { describeComparison, interleave } from './interleave.ts'
import { requestsPerSecond, sendRequests } from './load.ts'
import { pairedRatio } from './statistics/paired-ratio.ts'

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '6' },
    pairs: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '1' },
    share: { type: 'string', default: '0.5' },
    'writes-only': { type: 'boolean', default: false },
  },
})
const starts = Number(values.starts)
/** Many short ones: what else a shared machine does changes within seconds. */
const pairs = Number(values.pairs)
const durationS = Number(values.seconds)
/** Of a core, for each database: with half a core each, three of them and the generator leave part of two cores idle. */
const share = Number(values.share)
const MESSAGE = JSON.stringify({ message: 'a message of an ordinary length, as a person might type it' })
const CONNECTIONS = 50
const MANY = 1_000_000
const WARM_TURNS = 8
const PAGE_PAIRS = 8

await compareWrites('two replicas, the cores shared', {})
await compareWrites(`two replicas, each database on ${share} of a core`, { cores: share })
await compareWrites('two replicas that only confirm, the cores shared', { confirmOnly: true })
if (!values['writes-only']) await catchUpAndPages()

/**
 * A process that was started anew may be several percent faster or slower all its life than one before it, so each start counts once,
 * with the mean of its pairs.
 */
async function compareWrites(what: string, options: DatabaseOptions): Promise<void> {
  const [a, b]: [number[], number[]] = [[], []]
  for (let start = 0; start < starts; start++) {
    const rates = await measureWrites(options, start % 2 === 0)
    a.push(geometricMean(rates.replicated))
    b.push(geometricMean(rates.alone))
  }
  console.log(describeComparison(`writes with ${what} / without`, { ratio: pairedRatio(a, b), a, b }))
}

interface Rates {
  readonly replicated: number[]
  readonly alone: number[]
}

/** Warmed up in turn and held to a share only then, as in stage1-chain.ts. Who is started, warmed and measured first changes from start to start. */
async function measureWrites(options: DatabaseOptions, isReplicatedFirst: boolean): Promise<Rates> {
  const start = (isReplicated: boolean): Promise<DatabaseProcesses> => DatabaseProcesses.start(isReplicated ? 2 : 0, options)
  await using first = await start(isReplicatedFirst)
  await using second = await start(!isReplicatedFirst)
  const write = (cluster: DatabaseProcesses) => (): Promise<number> =>
    requestsPerSecond({ url: `${cluster.url('db1')}/api/data`, method: 'POST', body: MESSAGE, connections: CONNECTIONS, durationS })
  const writeBoth = async (): Promise<void> => {
    for (const cluster of [first, second]) await write(cluster)()
  }
  for (let turn = 0; turn < WARM_TURNS; turn++) await writeBoth()
  for (const cluster of [first, second]) cluster.hold()
  await writeBoth()
  const { a, b } = await interleave(pairs, write(first), write(second))
  return isReplicatedFirst ? { replicated: [...a], alone: [...b] } : { replicated: [...b], alone: [...a] }
}

async function catchUpAndPages(): Promise<void> {
  await using large = await DatabaseProcesses.start(1)
  await using small = await DatabaseProcesses.start(0)
  await fill(small, 1_000)
  await fill(large, MANY)
  const resident = `db1 ${large.residentMiB('db1').toFixed(0)} MiB, db2 ${large.residentMiB('db2').toFixed(0)} MiB`
  console.log(`resident memory at ${MANY} records: ${resident}`)
  await catchUp(large)
  const page = (cluster: DatabaseProcesses) => (): Promise<number> =>
    requestsPerSecond({ url: `${cluster.url('db1')}/api/data?limit=20`, connections: CONNECTIONS, durationS })
  await page(small)()
  await page(large)()
  console.log(describeComparison('newest page at 1 000 000 / at 1 000 records', await interleave(PAGE_PAIRS, page(large), page(small))))
}

async function fill(cluster: DatabaseProcesses, records: number): Promise<void> {
  await sendRequests({ url: `${cluster.url('db1')}/api/data`, method: 'POST', body: MESSAGE, connections: CONNECTIONS, amount: records })
}

async function catchUp(cluster: DatabaseProcesses): Promise<void> {
  await cluster.kill('db2')
  const emptyStartMs = performance.now()
  cluster.spawn('db2')
  await cluster.ready('db2')
  const tookS = (performance.now() - emptyStartMs) / 1000
  console.log(
    `a replica that restarted empty took ${MANY} records in ${tookS.toFixed(1)} s, its start included: ${Math.round(MANY / tookS)} records/s`,
  )
}
