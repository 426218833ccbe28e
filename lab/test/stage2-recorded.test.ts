/**
 * The interface that the report recorded (section 6.5) over real PostgreSQL servers, and what the lab makes of those servers: replication
 * that streams, data that outlives `down`, and nothing that runs on after it.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import type { Cluster } from '@relais/stage2-postgres/cluster/cluster.ts'
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { serverPids, sharedMemory } from '@relais/stage2-postgres/cluster/server-processes.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverPlans } from '../runtime/postgres-servers.ts'
import { findTakenPorts } from '../runtime/ports.ts'
import { findFamily } from '../runtime/process-table.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'
import { readStageState } from '../runtime/stage-state.ts'
import { entryUrl, nodesOf, portsIn, topologyOf, type Topology } from '../topology.ts'
import { ask } from './support/ask.ts'
import { recordsOf, replicationOf } from './support/database-contents.ts'
import { LEVEL } from './support/patience.ts'
import { testRecordedCommands } from './support/recorded-commands.ts'
import { TestCluster } from './test-cluster.ts'

const START_MS = 120_000

let lab: TestCluster
let topology: Topology
let servers: Cluster
let frontend: string

async function up(...options: string[]): Promise<void> {
  const { code, stdout, stderr } = await lab.lab('up', 'stage2', '--detach', ...options)
  expect(stderr).toBe('')
  expect(stdout).toContain('stage2 is ready')
  expect(code).toBe(0)
}

beforeAll(async () => {
  lab = await TestCluster.create('stage2')
  topology = topologyOf('stage2', { portOffset: lab.portOffset })
  frontend = entryUrl(topology, 'frontend')
  await up()
  servers = await describeCluster({ dir: new StageDirectory(lab.stateDirectory, 'stage2').postgres, nodes: serverPlans(topology) })
}, START_MS)
afterAll(() => lab?.remove(), START_MS)

/** True when each database holds the same records. */
async function holdTheSame(): Promise<boolean> {
  const contents = await Promise.all(nodesOf(topology, 'db').map(({ url }) => recordsOf(url)))
  return new Set(contents.map((records) => JSON.stringify(records))).size === 1
}

describe('the recorded commands', () => {
  testRecordedCommands(() => ({ entry: (tier) => entryUrl(topology, tier), isLevel: holdTheSame }))

  test('POST /api/replicate is no door into any database', async () => {
    const before = await recordsOf(nodesOf(topology, 'db')[0]!.url)
    for (const { url } of [...topology.loadBalancers, ...nodesOf(topology, 'db')]) {
      const { status } = await ask(`${url}/api/replicate`, { body: { message: 'forged' } })
      expect([401, 404]).toContain(status)
    }
    for (const { url } of nodesOf(topology, 'db')) expect(await recordsOf(url)).toEqual(before)
  })

  test('all hold in the demo', async () => {
    const { code, stdout } = await lab.lab('demo', 'stage2')
    expect(stdout).toContain('All 9 claims hold.')
    expect(code).toBe(0)
  })
})

describe('the three servers', () => {
  test('run, and the primary streams to both standbys', async () => {
    expect(servers.nodes.filter((node) => serverPids(node).length > 0).map(({ name }) => name)).toEqual(['db1', 'db2', 'db3'])
    const { code, stdout } = await lab.lab(
      'psql',
      'stage2/db1',
      '-c',
      `SELECT string_agg(application_name || ' ' || state, ', ' ORDER BY application_name) FROM pg_stat_replication`,
      '-c',
      `SELECT 6 * 7 AS answer`,
    )
    expect(stdout).toContain('db2 streaming, db3 streaming')
    expect(stdout).toContain('42')
    expect(code).toBe(0)
  })

  test('show how far they are in the status, replicas with their lag in bytes', async () => {
    await expect
      .poll(async () => (await lab.status('stage2')).instances.filter(({ tier }) => tier === 'db'), LEVEL)
      .toMatchObject([
        { name: 'db1', role: 'primary', state: 'ready', position: expect.stringMatching(/^\d+:[0-9A-F]+\/[0-9A-F]+$/), lagBytes: null },
        { name: 'db2', role: 'replica', state: 'ready', position: expect.stringMatching(/^\d+:[0-9A-F]+\/[0-9A-F]+$/), lagBytes: 0 },
        { name: 'db3', role: 'replica', state: 'ready', position: expect.stringMatching(/^\d+:[0-9A-F]+\/[0-9A-F]+$/), lagBytes: 0 },
      ])
  })
})

/** One after the other: each test is the next step of one story. */
describe('the data', () => {
  const primary = (): string => nodesOf(topology, 'db')[0]!.url
  const messages = async (): Promise<string[]> => (await recordsOf(primary())).map(({ message }) => message)

  test('is all that `down` leaves: no process, no port, no socket, no shared memory', async () => {
    await ask(`${frontend}/api/data`, { body: { message: 'outlives down' } })
    const state = readStageState(new StageDirectory(lab.stateDirectory, 'stage2').stateFile)!
    const identities = state.instances.flatMap(({ processes }) => processes.flatMap(({ identity }) => identity ?? []))
    const segments = servers.nodes.map((node) => String(sharedMemory(node)?.id))
    expect(identities.length).toBe(15)
    expect(segmentsThere()).toEqual(expect.arrayContaining(segments))
    expect((await lab.lab('down', 'stage2')).code).toBe(0)
    expect(identities.flatMap((identity) => findFamily(identity))).toEqual([])
    expect(servers.nodes.flatMap((node) => serverPids(node))).toEqual([])
    expect(await findTakenPorts('127.0.0.1', portsIn(topology))).toEqual([])
    const sockets = existsSync(servers.socketDir) ? readdirSync(servers.socketDir) : []
    expect(sockets.filter((name) => name.startsWith('.s.PGSQL'))).toEqual([])
    expect(segmentsThere().filter((id) => segments.includes(id))).toEqual([])
    expect(servers.nodes.every(({ dataDir }) => existsSync(dataDir))).toBe(true)
  })

  test('is found again by a second `up`, in every database', { timeout: START_MS }, async () => {
    await up()
    expect(await messages()).toContain('outlives down')
    await expect.poll(holdTheSame, LEVEL).toBe(true)
    await expect
      .poll(async () => (await replicationOf(primary())).replicas.map(({ state }) => state), LEVEL)
      .toEqual(['streaming', 'streaming'])
  })

  test('is thrown away by `up --fresh`, and ids begin again', { timeout: START_MS }, async () => {
    expect((await lab.lab('down', 'stage2')).code).toBe(0)
    await up('--fresh')
    expect(await messages()).toEqual([])
    expect(await ask(`${frontend}/api/data`, { body: { message: 'anew' } })).toMatchObject({ status: 201, json: { id: 1 } })
    await expect.poll(holdTheSame, LEVEL).toBe(true)
  })
})

/** Of System V's shared memory, everybody's. */
function segmentsThere(): string[] {
  const lines = execFileSync('ipcs', ['-m'], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => /^(?:m|0x[0-9a-f]+)\s+(\d+)\s/.exec(line)?.[1] ?? [])
}
