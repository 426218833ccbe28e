/**
 * What replication costs and how fast it is (stage 1):
 *
 *   1. writes with two replicas (log, async) against writes without
 *   2. how fast a replica that restarts empty catches up, and what a million records weigh
 *   3. the newest page at 1 000 and at 1 000 000 records
 *
 *   node_modules/.bin/node lab/bench/stage1-replication.ts [--pairs N] [--seconds N]
 */
import { parseArgs } from 'node:util'
import { DatabaseProcesses } from './database-processes.ts'
import { describeComparison, interleave } from './interleave.ts'
import { requestsPerSecond, sendRequests } from './load.ts'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '4' },
    'writes-only': { type: 'boolean', default: false },
  },
})
const pairs = Number(values.pairs)
const durationS = Number(values.seconds)
const MESSAGE = JSON.stringify({ message: 'a message of an ordinary length, as a person might type it' })
const CONNECTIONS = 50
const MANY = 1_000_000
const WARM_TURNS = 4
/** Of a core, for each database: what three machines would be, on one. */
const SHARE = 0.2

await compareWrites(0)
await compareWrites(SHARE)
if (!values['writes-only']) await catchUpAndPages()

/** Warmed up in turn and held to a share only then, as in stage1-chain.ts. */
async function compareWrites(cores: number): Promise<void> {
  await using replicated = await DatabaseProcesses.start(2, cores)
  await using alone = await DatabaseProcesses.start(0, cores)
  const held = cores === 0 ? 'the cores shared' : `each database on ${cores} of a core`
  const write = (cluster: DatabaseProcesses) => (): Promise<number> =>
    requestsPerSecond({ url: `${cluster.url('db1')}/api/data`, method: 'POST', body: MESSAGE, connections: CONNECTIONS, durationS })
  const writeBoth = async (): Promise<void> => {
    for (const cluster of [replicated, alone]) await write(cluster)()
  }
  for (let turn = 0; turn < WARM_TURNS; turn++) await writeBoth()
  for (const cluster of [replicated, alone]) cluster.hold()
  await writeBoth()
  console.log(describeComparison(`writes with two replicas / without, ${held}`, await interleave(pairs, write(replicated), write(alone))))
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
  console.log(describeComparison('newest page at 1 000 000 / at 1 000 records', await interleave(pairs, page(large), page(small))))
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
