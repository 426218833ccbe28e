/**
 * What clients see when the standbys stand still, and when there are far more clients than PostgreSQL has connections.
 *
 * The standbys' replay is paused by PostgreSQL's own `pg_wal_replay_pause()`: they go on receiving and show nothing of it. First the
 * failure without a protection, then its absence with one.
 */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { entryUrl, nodesOf, topologyOf, type Topology } from '../topology.ts'
import { ask, type Answer } from './support/ask.ts'
import { recordsOf } from './support/database-contents.ts'
import { inShort, Load, type Operation } from './support/load.ts'
import { LEVEL, within } from './support/patience.ts'
import { seededRandom } from './support/seeded-random.ts'
import { untruths } from './support/write-verdict.ts'
import { TestCluster } from './test-cluster.ts'

const START_MS = 120_000
const CROWD_MS = 120_000
const CROWD = 1_000
const STANDBYS = ['db2', 'db3']
/** Enough that all three databases are asked, whatever the weights. */
const READS = 20

const random = seededRandom('stage2-consistency')
let cluster: TestCluster
let topology: Topology
let frontend: string

beforeAll(async () => {
  cluster = await TestCluster.create('stage2')
  topology = topologyOf('stage2', { portOffset: cluster.portOffset })
  frontend = entryUrl(topology, 'frontend')
  const { code, stderr } = await cluster.lab('up', 'stage2', '--detach')
  expect(stderr).toBe('')
  expect(code).toBe(0)
}, START_MS)
afterAll(() => cluster?.remove(), START_MS)

async function sql(name: string, command: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.lab('psql', `stage2/${name}`, '-c', command)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
}

function write(message: string, token?: string): Promise<Answer> {
  return ask(`${frontend}/api/data`, { body: { message }, headers: token === undefined ? {} : { 'x-session-token': token } })
}

function readTimes(headers: Record<string, string> = {}): Promise<Answer[]> {
  return Promise.all(Array.from({ length: READS }, () => ask(`${frontend}/api/data?limit=1`, { headers })))
}

/** Those that do not show the record as the newest, each by who answered. */
function stale(answers: readonly Answer[], id: number): string[] {
  return answers.filter(({ json }) => (json.records?.[0]?.id ?? 0) < id).map(({ status, way }) => `${status} ${way.at(-1)}`)
}

describe('with the replay of both standbys paused', () => {
  let id: number
  let token: string
  beforeAll(async () => {
    await write('seen by everybody')
    for (const name of STANDBYS) {
      await sql(name, 'SELECT pg_wal_replay_pause()')
      // Asking for it is one thing; the standby finishes what it is at first.
      await vi.waitUntil(async () => /^\s*paused$/m.test(await sql(name, 'SELECT pg_get_wal_replay_pause_state()')), LEVEL)
    }
    const answer = await write('not yet replayed')
    expect(answer.status).toBe(201)
    id = answer.json.id as number
    token = String(answer.headers['x-session-token'])
    expect(token).toMatch(/^\d+:[0-9A-F]+\/[0-9A-F]+$/)
  }, START_MS)
  afterAll(async () => {
    for (const name of STANDBYS) await sql(name, 'SELECT pg_wal_replay_resume()')
  }, START_MS)

  test('a read without a token may be stale, from either standby', async () => {
    const answers = await readTimes()
    expect(answers.map(({ status }) => status)).toEqual(Array(READS).fill(200))
    expect(new Set(stale(answers, id))).toEqual(new Set(['200 db2', '200 db3']))
  })

  test('a read with the session token never is, and the primary answers it', async () => {
    const answers = await readTimes({ 'x-session-token': token })
    expect(answers.map(({ status }) => status)).toEqual(Array(READS).fill(200))
    expect(stale(answers, id)).toEqual([])
    expect(new Set(answers.map(({ way }) => way.at(-1)))).toEqual(new Set(['db1']))
  })

  test('a read with X-Read-From: primary never is', async () => {
    const answers = await readTimes({ 'x-read-from': 'primary' })
    expect(answers.map(({ status }) => status)).toEqual(Array(READS).fill(200))
    expect(stale(answers, id)).toEqual([])
    expect(new Set(answers.map(({ way }) => way.at(-1)))).toEqual(new Set(['db1']))
  })

  test('a session that takes each token along reads each of its own writes', async () => {
    for (let round = 1; round <= 5; round++) {
      const written = await write(`round ${round}`, token)
      token = String(written.headers['x-session-token'])
      expect(stale(await readTimes({ 'x-session-token': token }), written.json.id as number)).toEqual([])
    }
  })

  test('resumed, both show everything, and answer readers with tokens again', async () => {
    for (const name of STANDBYS) await sql(name, 'SELECT pg_wal_replay_resume()')
    const all = await recordsOf(nodesOf(topology, 'db')[0]!.url)
    for (const { url } of nodesOf(topology, 'db')) await expect.poll(() => recordsOf(url), LEVEL).toEqual(all)
    const names = async (): Promise<(string | undefined)[]> =>
      [...new Set((await readTimes({ 'x-session-token': token })).map(({ way }) => way.at(-1)))].toSorted((a, b) =>
        (a ?? '').localeCompare(b ?? ''),
      )
    await expect.poll(names, LEVEL).toEqual(['db1', 'db2', 'db3'])
  })
})

describe('1 000 clients at once, reading and writing', () => {
  let operations: readonly Operation[]
  beforeAll(async () => {
    const load = new Load(frontend, { random, name: 'crowd', clients: CROWD })
    try {
      await load.goOn(4 * CROWD)
    } finally {
      await load.stop()
    }
    operations = load.operations
  }, CROWD_MS)

  test('none is told that PostgreSQL has too many clients', () => {
    const told = operations.filter(({ answer }) =>
      /53300|too many (?:clients|connections)|remaining connection slots/i.test(answer?.text ?? ''),
    )
    expect(inShort(told)).toEqual([])
  })

  test('each is served, or refused with 503 or 429 and when to come again', () => {
    const others = operations.filter(({ answer }) => ![200, 201].includes(answer?.status ?? 0))
    expect(inShort(others.filter(({ answer }) => ![503, 429].includes(answer?.status ?? 0)))).toEqual([])
    expect(inShort(others.filter(({ answer }) => !/^\d+$/.test(answer!.headers['retry-after'] ?? '')))).toEqual([])
    // Refusing everybody would be no answer either.
    expect(operations.length - others.length).toBeGreaterThan(CROWD)
  })

  test('every write was answered with the truth, in all three databases', async () => {
    const own = async (url: string): Promise<unknown> => (await recordsOf(url)).filter(({ message }) => message.startsWith('crowd-'))
    const [primary, ...replicas] = nodesOf(topology, 'db').map(({ url }) => url)
    const records = (await recordsOf(primary!)).filter(({ message }) => message.startsWith('crowd-'))
    const writes = operations.filter(({ kind }) => kind === 'write')
    expect(untruths(writes, records)).toEqual([])
    for (const url of replicas) await expect.poll(() => own(url), LEVEL).toEqual(records)
  })

  test('the stage answers everybody normally afterwards', async () => {
    const answersAll = async (): Promise<boolean> => {
      const load = new Load(frontend, { random, name: `after-${random.next()}` })
      await load.goOn(200)
      await load.stop()
      return load.failedReads.length + load.failedWrites.length === 0
    }
    await expect.poll(answersAll, within(20_000)).toBe(true)
    expect((await cluster.status('stage2')).state).toBe('ready')
  })
})
