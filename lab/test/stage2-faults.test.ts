/**
 * PostgreSQL servers go away and come back while clients read and write. No read fails, no acknowledged write is lost, none is there twice,
 * and every other write was told the truth: certainly not made, or unknown and then one write when it is repeated under its key.
 */

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RecordJson } from '@relais/shared/database/record-json.ts'
import { entryUrl, nodesOf, topologyOf, type Topology } from '../topology.ts'
import { ask, type Answer } from './support/ask.ts'
import { recordsOf, replicationOf } from './support/database-contents.ts'
import { inShort, Load, writeAll, writeOnce, type Operation } from './support/load.ts'
import { LEVEL, within } from './support/patience.ts'
import { seededRandom } from './support/seeded-random.ts'
import { untruths } from './support/write-verdict.ts'
import { TestCluster } from './test-cluster.ts'

const START_MS = 120_000
const FAULT_MS = 120_000
const WRITERS = 50
const READERS = 10
/** Until a server that was started again serves, or a standby has caught up. */
const RECOVERED = within(30_000, 50)

const random = seededRandom('stage2-faults')
let cluster: TestCluster
let topology: Topology
let frontend: string

async function act(...args: string[]): Promise<void> {
  const { code, stderr } = await cluster.lab(...args)
  expect(stderr).toBe('')
  expect(code).toBe(0)
}

beforeAll(async () => {
  cluster = await TestCluster.create('stage2')
  topology = topologyOf('stage2', { portOffset: cluster.portOffset })
  frontend = entryUrl(topology, 'frontend')
  await act('up', 'stage2', '--detach')
}, START_MS)
afterAll(() => cluster?.remove(), START_MS)

const urlOf = (name: string): string => topology.nodes.find((node) => node.name === name)!.url
const isServed = (load: Load, since: number): boolean => load.sentSince(since).some(({ answer }) => (answer?.status ?? 500) < 300)

/** The records of these writes, from each database; all databases hold the same first. */
async function recordsOfEach(prefix: string): Promise<RecordJson[]> {
  const own = async ({ url }: { url: string }): Promise<RecordJson[]> =>
    (await recordsOf(url)).filter(({ message }) => message.startsWith(prefix))
  const all = (): Promise<RecordJson[][]> => Promise.all(nodesOf(topology, 'db').map(own))
  await expect.poll(async () => new Set((await all()).map((records) => JSON.stringify(records))).size, LEVEL).toBe(1)
  return (await all())[0]!
}

async function expectStreaming(): Promise<void> {
  const replicas = async (): Promise<unknown> =>
    (await replicationOf(urlOf('db1'))).replicas.map(({ name, state, lagBytes }) => `${name} ${state}, ${lagBytes} bytes behind`)
  await expect.poll(replicas, RECOVERED).toEqual(['db2 streaming, 0 bytes behind', 'db3 streaming, 0 bytes behind'])
}

/** Every answer was the truth; and repeated under its key, each write that failed is one write, whatever had become of it. */
async function expectTruth(writes: readonly Operation[], prefix: string): Promise<void> {
  const failed = writes.filter(({ answer }) => answer?.status !== 201)
  expect(inShort(failed.filter(({ answer }) => typeof answer?.json?.definite !== 'boolean'))).toEqual([])
  expect(untruths(writes, await recordsOfEach(prefix))).toEqual([])
  const again = await writeAll(
    frontend,
    failed.map(({ message }) => message),
  )
  expect(again.filter((answer) => answer?.status !== 201).map((answer) => answer?.text)).toEqual([])
  const answers = new Map<string, Answer | undefined>(failed.map(({ message }, index) => [message, again[index]]))
  const ended = writes.map((write) => ({ ...write, answer: answers.get(write.message) ?? write.answer }))
  const records = await recordsOfEach(prefix)
  expect(untruths(ended, records)).toEqual([])
  expect(records).toHaveLength(writes.length)
}

describe('the primary’s server', () => {
  test('killed under 50 writers costs no acknowledged write and no read, and repeats none', { timeout: FAULT_MS }, async () => {
    const writers = new Load(frontend, { random, name: 'kill-primary-w', clients: WRITERS, writeShare: 1 })
    const readers = new Load(frontend, { random, name: 'kill-primary-r', clients: READERS, writeShare: 0 })
    try {
      await writers.goOn(1_000)
      await act('kill', 'stage2/db1/postgres')
      const killed = readers.sent
      // Nobody is served a write now, and everybody a read: from the replicas.
      await writers.goOn(2 * WRITERS)
      await readers.goOn(100)
      expect(readers.sentSince(killed).filter(({ answer }) => answer?.way.at(-1) === 'db1')).toEqual([])
      await act('start', 'stage2/db1/postgres')
      const started = writers.sent
      await expect.poll(() => isServed(writers, started), RECOVERED).toBe(true)
      await writers.goOn(500)
    } finally {
      await Promise.all([writers.stop(), readers.stop()])
    }
    expect(inShort(readers.failedReads)).toEqual([])
    // Otherwise it was killed between two writes, and the rest proves nothing.
    expect(writers.failedWrites.length).toBeGreaterThan(0)
    expect(writers.operations.slice(-WRITERS).every(({ answer }) => answer?.status === 201)).toBe(true)
    await expectTruth(writers.writes, 'kill-primary-w')
  })
})

describe('a standby', () => {
  /** Lets it be away under load; resolves when it is back at lag 0, and clients are served by it again. */
  async function away(name: string, leave: string, comeBack: string): Promise<Load> {
    const load = new Load(frontend, { random, name: `${leave}-${name}` })
    const isAsked = (since: number): boolean =>
      load.sentSince(since).some(({ kind, answer }) => kind === 'read' && answer?.way.at(-1) === name)
    try {
      await expect.poll(() => isAsked(0), RECOVERED).toBe(true)
      await act(leave, `stage2/${name}`)
      const gone = load.sent
      await load.goOn(300)
      expect(isAsked(gone)).toBe(false)
      await act(comeBack, `stage2/${name}`)
      const back = load.sent
      await expect.poll(() => isAsked(back), RECOVERED).toBe(true)
    } finally {
      await load.stop()
    }
    await expectStreaming()
    return load
  }

  test.each([
    ['killed and started again', 'db2', 'kill', 'start'],
    ['paused and resumed', 'db3', 'pause', 'resume'],
  ])('%s under load costs no request, and comes back to lag 0', { timeout: FAULT_MS }, async (_, name, leave, comeBack) => {
    const load = await away(name, leave, comeBack)
    expect(inShort(load.failedReads)).toEqual([])
    expect(inShort(load.failedWrites)).toEqual([])
    await expectTruth(load.writes, `${leave}-${name}`)
  })
})

describe('with --durability quorum', () => {
  let durabilityAfterUp = ''
  beforeAll(async () => {
    await act('down', 'stage2')
    await act('up', 'stage2', '--detach', '--durability', 'quorum')
    durabilityAfterUp = (await replicationOf(urlOf('db1'))).durability
  }, START_MS)

  test('a cluster that had another level has this one when `up` returns', () => {
    expect(durabilityAfterUp).toBe('quorum')
  })

  test('no write is acknowledged without a standby, reads go on, and repeated writes have one effect', { timeout: FAULT_MS }, async () => {
    await expectStreaming()
    const writers = new Load(frontend, { random, name: 'quorum-w', clients: WRITERS, writeShare: 1 })
    const readers = new Load(frontend, { random, name: 'quorum-r', clients: READERS, writeShare: 0 })
    let asked: Operation[] = []
    try {
      await writers.goOn(500)
      for (const name of ['db2', 'db3']) await act('stop', `stage2/${name}`)
      const messages = Array.from({ length: 20 }, (_, index) => `quorum-w-alone-${index}`)
      const answers = await Promise.all(messages.map((message) => writeOnce(frontend, message)))
      asked = messages.map((message, index) => ({
        number: index,
        kind: 'write',
        requestId: message,
        message,
        answer: answers[index],
        tookMs: 0,
      }))
      await readers.goOn(100)
      for (const name of ['db2', 'db3']) await act('start', `stage2/${name}`)
      const started = writers.sent
      await expect.poll(() => isServed(writers, started), RECOVERED).toBe(true)
    } finally {
      await Promise.all([writers.stop(), readers.stop()])
    }
    expect(inShort(asked.filter(({ answer }) => ![503, 504].includes(answer?.status ?? 0)))).toEqual([])
    for (const { answer } of asked) expect(answer!.headers['retry-after']).toMatch(/^\d+$/)
    await expectStreaming()
    await expectTruth([...writers.writes, ...asked], 'quorum-w')
    // Nginx may meet both standbys, refusing, in one request: the primary is the third try.
    expect(inShort(readers.failedReads)).toEqual([])
  })

  test(
    'with both standbys paused a write is answered 504, unknown, and is one write when it is repeated',
    { timeout: FAULT_MS },
    async () => {
      for (const name of ['db2', 'db3']) await act('pause', `stage2/${name}/postgres`)
      const message = 'quorum-paused-1'
      const answer = await writeOnce(frontend, message)
      expect(answer).toMatchObject({ status: 504, json: { definite: false } })
      expect((await ask(`${frontend}/api/data?limit=5`)).status).toBe(200)
      for (const name of ['db2', 'db3']) await act('resume', `stage2/${name}/postgres`)
      await expectStreaming()
      expect(await writeOnce(frontend, message)).toMatchObject({ status: 201, json: { message } })
      expect((await recordsOfEach('quorum-paused-')).map((record) => record.message)).toEqual([message])
    },
  )
})

test(
  'a standby that was promoted is copied anew by an ordinary `down` and `up`, which starts all servers at once',
  { timeout: FAULT_MS },
  async () => {
    await act('psql', 'stage2/db2', '-c', 'SELECT pg_promote()')
    await act('down', 'stage2')
    await act('up', 'stage2', '--detach')
    const said = readFileSync(path.join(cluster.stateDirectory, 'stage2', 'logs', 'db2.log'), 'utf8')
    expect(said).toContain('db2: rebuilding this standby, because it was promoted and has a history of its own')
    await expectStreaming()
  },
)
