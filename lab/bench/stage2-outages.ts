/**
 * What outages and overload cost clients of stage 2, with times (the tests assert the truths, never a time):
 *
 *   1. the primary's PostgreSQL killed under 50 writers and started again, ten times in a row
 *   2. goodput of 1 000 clients against that of 100, reads and writes mixed, max_connections = 100
 *   3. a standby away for 30 s under load, until its lag is back at zero
 *
 *   node_modules/.bin/node lab/bench/stage2-outages.ts [--kills N] [--pairs N] [--away-s N]
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { findPostgresPrograms } from '../setup/postgres-programs.mjs'
import { recordsOf, replicationOf } from '../test/support/database-contents.ts'
import { Load, type Operation } from '../test/support/load.ts'
import { seededRandom } from '../test/support/seeded-random.ts'
import { untruths } from '../test/support/write-verdict.ts'
import { TestCluster } from '../test/test-cluster.ts'
import { entryUrl, nodesOf, primaryOf, topologyOf } from '../topology.ts'
import { describeComparison, interleave } from './interleave.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    pairs: { type: 'string', default: '3' },
    'away-s': { type: 'string', default: '30' },
  },
})
const WRITERS = 50
/** The same number of requests on both sides; whoever is refused waits 100 ms, as a client that obeys does at least. */
const REQUESTS = 10_000
const RECOVERED_MS_MAX = 60_000

const random = seededRandom('stage2-outages')
const cluster = await TestCluster.create('stage2')
const topology = topologyOf('stage2', { portOffset: cluster.portOffset })
const frontend = entryUrl(topology, 'frontend')
const primary = primaryOf(topology).url

try {
  await act('up', 'stage2', '--detach')
  for (let kill = 1; kill <= Number(values.kills); kill++) await killPrimary(kill)
  if (Number(values.pairs) > 0) await compareClients()
  if (Number(values['away-s']) > 0) await standbyAway(Number(values['away-s']) * 1_000)
} finally {
  await cluster.remove()
}

async function act(...args: string[]): Promise<void> {
  const { code, stderr } = await cluster.lab(...args)
  if (code !== 0) throw new Error(`Failed to ${args.join(' ')}: exit code ${code}, ${stderr}`)
}

async function killPrimary(kill: number): Promise<void> {
  const name = `outage-${kill}`
  const load = new Load(frontend, { random, name, clients: WRITERS, writeShare: 1 })
  let acceptedAtMs: number
  let servedAfterMs: number
  try {
    await load.goOn(1_000)
    await act('kill', 'stage2/db1/postgres')
    await load.goOn(2 * WRITERS)
    const starting = act('start', 'stage2/db1/postgres')
    acceptedAtMs = await whenServerAccepts()
    const begun = load.operations.length
    servedAfterMs = (await when(() => load.operations.slice(begun).some(({ answer }) => answer?.status === 201))) - acceptedAtMs
    await starting
    await load.goOn(500)
  } finally {
    await load.stop()
  }
  const own = (await recordsOf(primary)).filter(({ message }) => message.startsWith(`${name}-`))
  const wrong = untruths(load.writes, own)
  const slowestMs = Math.max(...load.operations.map(({ tookMs }) => tookMs))
  console.log(
    `kill ${kill}: served ${servedAfterMs.toFixed(0)} ms after the server accepted; slowest request ${slowestMs.toFixed(0)} ms; ` +
      `${statusesOf(load.writes)}; ${wrong.length === 0 ? 'no acknowledged write missing, none twice' : wrong.join('; ')}`,
  )
}

/** The moment from which the server takes connections; pg_isready asks without logging in. */
function whenServerAccepts(): Promise<number> {
  const isReady = path.join(findPostgresPrograms() ?? '', 'pg_isready')
  const args = ['-q', '-h', topology.host, '-p', String(primaryOf(topology).postgresPort), '-t', '1']
  return when(() => new Promise((resolve) => void spawn(isReady, args, { stdio: 'ignore' }).once('exit', (code) => resolve(code === 0))))
}

async function compareClients(): Promise<void> {
  const refused: Operation[] = []
  const goodput = (clients: number) => async (): Promise<number> => {
    const load = new Load(frontend, { random, name: `c${clients}-${Date.now()}`, clients, writeShare: 0.2 })
    await load.goOn(2 * clients)
    const begun = load.operations.length
    const begunAtMs = performance.now()
    await load.goOn(REQUESTS)
    const took = performance.now() - begunAtMs
    const ended = load.operations.slice(begun)
    await load.stop()
    refused.push(...load.operations.filter(({ answer }) => (answer?.status ?? 0) >= 300 || answer === undefined))
    return (1_000 * ended.filter(({ answer }) => answer !== undefined && answer.status < 300).length) / took
  }
  await goodput(100)()
  const comparison = await interleave(Number(values.pairs), goodput(1_000), goodput(100))
  console.log(describeComparison('goodput of 1 000 clients / of 100', comparison))
  const withoutRetryAfter = refused.filter(({ answer }) => answer?.headers['retry-after'] === undefined).length
  console.log(`refused in all these runs: ${statusesOf(refused)}; ${withoutRetryAfter} of them without Retry-After`)
}

async function standbyAway(awayMs: number): Promise<void> {
  const load = new Load(frontend, { random, name: 'away' })
  let level: number
  let startedAtMs: number
  try {
    await load.goOn(500)
    await act('kill', 'stage2/db2')
    await sleep(awayMs)
    startedAtMs = performance.now()
    await act('start', 'stage2/db2')
    const db2 = nodesOf(topology, 'db')[1]!.name
    level = await when(async () =>
      (await replicationOf(primary)).replicas.some(({ name, state, lagBytes }) => name === db2 && state === 'streaming' && lagBytes === 0),
    )
  } finally {
    await load.stop()
  }
  console.log(
    `a standby away for ${awayMs / 1_000} s: lag at zero ${((level - startedAtMs) / 1_000).toFixed(1)} s after \`start\` began, under load; ` +
      `${load.failedReads.length} of ${load.reads.length} GETs failed, ${load.failedWrites.length} of ${load.writes.length} POSTs`,
  )
}

/** Resolves to the time when it became true. */
async function when(condition: () => boolean | Promise<boolean>): Promise<number> {
  const giveUpAtMs = performance.now() + RECOVERED_MS_MAX
  for (;;) {
    if (await condition()) return performance.now()
    if (performance.now() > giveUpAtMs) throw new Error(`Failed to recover: not within ${RECOVERED_MS_MAX} ms.`)
    await sleep(5)
  }
}

function statusesOf(operations: readonly Operation[]): string {
  const counts = Map.groupBy(operations, ({ answer }) => answer?.status ?? 'no answer')
  return [...counts].map(([status, { length }]) => `${length} × ${status}`).join(', ') || 'none'
}
