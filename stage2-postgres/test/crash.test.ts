/** The primary's server is killed under load: what was acknowledged stays, once, and nobody waits past their deadline. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Problem } from '@relais/shared/http/problem.ts'
import type { Store } from '@relais/shared/store/store.ts'
import { signalServer } from '../cluster/server.ts'
import { eventually, PostgresCluster, type NodeName } from './postgres-cluster.ts'

const WRITERS = 50
const DEADLINE_MS = 2_000
/** How long after its deadline a caller may be told. */
const LATE_MS_MAX = 1_000

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await PostgresCluster.start({ nodes: ['db1', 'db2'] })
})
afterAll(() => cluster.close())

interface Operation {
  readonly message: string
  readonly outcome: 'ok' | 'fail' | 'unknown'
  readonly lateMs: number
}

/** Writers that go on whatever happens, each write under a key of its own; an unknown outcome is repeated once under its key. */
class Load {
  readonly operations: Operation[] = []
  readonly #store: Store
  readonly #writers: Promise<void>[]
  #isStopped = false

  constructor(store: Store, run: number) {
    this.#store = store
    this.#writers = Array.from({ length: WRITERS }, (_, writer) => this.#write(`run ${run} writer ${writer}`))
  }

  get acknowledged(): number {
    return this.operations.filter(({ outcome }) => outcome === 'ok').length
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#writers)
  }

  async #write(writer: string): Promise<void> {
    for (let n = 0; !this.#isStopped; n++) {
      const message = `${writer} message ${n}`
      const first = await this.#attempt(message)
      this.operations.push(first.outcome === 'unknown' ? await this.#attempt(message) : first)
      if (first.outcome !== 'ok') await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async #attempt(message: string): Promise<Operation> {
    const deadlineMs = Date.now() + DEADLINE_MS
    try {
      await this.#store.insert(message, { idempotencyKey: message.replaceAll(' ', '-'), deadlineMs })
      return { message, outcome: 'ok', lateMs: Date.now() - deadlineMs }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return { message, outcome: error.definite ? 'fail' : 'unknown', lateMs: Date.now() - deadlineMs }
    }
  }
}

describe('a primary that is killed under 50 writers', () => {
  it.each([1, 2, 3])('loses nothing acknowledged, repeats nothing, and leaves nobody waiting: run %i', async (run) => {
    await cluster.empty()
    const store = cluster.service('db1').store
    const load = new Load(store, run)
    await eventually(async () => expect(load.acknowledged).toBeGreaterThan(500))
    await cluster.killServer('db1')
    await eventually(async () => expect(store.notReadyBecause()).toBeTypeOf('string'))
    await cluster.startServer('db1')
    const before = load.acknowledged
    await eventually(async () => expect(load.acknowledged).toBeGreaterThan(before))
    await eventually(async () => expect(load.acknowledged).toBeGreaterThan(before + 500))
    await load.stop()

    const stored = await cluster.sql('db1', 'readonly', (sql) => sql<{ message: string }[]>`SELECT message FROM records ORDER BY id`)
    const count = Map.groupBy(stored, ({ message }) => message)
    const acknowledged = load.operations.filter(({ outcome }) => outcome === 'ok')
    expect(acknowledged.filter(({ message }) => count.get(message)?.length !== 1)).toEqual([])
    expect([...count].filter(([, rows]) => rows.length > 1)).toEqual([])
    expect(load.operations.filter(({ outcome, message }) => outcome === 'fail' && count.has(message))).toEqual([])
    expect(Math.max(...load.operations.map(({ lateMs }) => lateMs))).toBeLessThan(LATE_MS_MAX)
  })

  it('is followed by its standby again, without loss', async () => {
    await cluster.streaming('db2')
    const { position } = await cluster.service('db1').store.insert('after the crash', { deadlineMs: Date.now() + DEADLINE_MS })
    expect(await cluster.service('db2').store.reach(position, 10_000)).toBe(true)
    const [one, two] = await Promise.all(
      (['db1', 'db2'] as const).map((name) => cluster.sql(name, 'readonly', (sql) => sql`SELECT count(*), max(id) FROM records`)),
    )
    expect(two![0]).toEqual(one![0])
  })
})

describe('a server that is frozen', () => {
  it('makes writes unknown and reads unavailable by their deadlines, and serves again when it goes on', async () => {
    const store = cluster.service('db1').store
    signalServer(cluster.node('db1'), 'SIGSTOP')
    try {
      await expect(store.insert('frozen', { idempotencyKey: 'frozen', deadlineMs: Date.now() + 300 })).rejects.toMatchObject({
        definite: false,
      })
      await expect(store.page({ limit: 1 })).rejects.toMatchObject({ slug: 'store-unavailable', definite: true })
    } finally {
      signalServer(cluster.node('db1'), 'SIGCONT')
    }
    await eventually(async () => expect((await store.page({ limit: 1 })).value.records).toHaveLength(1))
    const first = await store.insert('frozen', { idempotencyKey: 'frozen', deadlineMs: Date.now() + 5_000 })
    const again = await store.insert('frozen', { idempotencyKey: 'frozen', deadlineMs: Date.now() + 5_000 })
    expect(again.value).toEqual(first.value)
    const rows = await cluster.sql('db1', 'readonly', (sql) => sql`SELECT id FROM records WHERE message = 'frozen'`)
    expect(rows).toHaveLength(1)
  })
})

describe.each([
  ['db1', '/api/replication'],
  ['db2', '/api/replication'],
  ['db2', '/replica?lag=1GB'],
] as const)('%s, asked for %s', (name, path) => {
  it('while its server freezes, says 503 and never that the defect is ours', async () => {
    const asked = statusesUntilAway(name, path)
    signalServer(cluster.node(name), 'SIGSTOP')
    try {
      expect(await asked).toEqual([503])
    } finally {
      signalServer(cluster.node(name), 'SIGCONT')
    }
    await cluster.serviceReady(name)
  })

  it('while its server is killed, says 503 and never that the defect is ours', async () => {
    const asked = statusesUntilAway(name, path)
    await cluster.killServer(name)
    expect(await asked).toEqual([503])
    await cluster.startServer(name)
    await cluster.serviceReady(name)
  })
})

/** With which statuses other than 200 a service answers, from now until it has noticed that its server is away. */
async function statusesUntilAway(name: NodeName, path: string): Promise<number[]> {
  const { service, store } = cluster.service(name)
  const statuses = new Set<number>()
  await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => service.request(path)))
    for (const { status } of answers) statuses.add(status)
    expect(await store.notReadyBecause()).toBeTypeOf('string')
  })
  return [...statuses].filter((status) => status !== 200)
}
