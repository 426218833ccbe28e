/** The database tier's routes over stage 1's stores: the recorded short forms, REST, positions on answers, health by role. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { comparePositions, parsePosition } from '@relais/shared/store/position.ts'
import { MemoryCluster, NAMES, type NodeName } from './memory-cluster.ts'

let cluster: MemoryCluster

beforeAll(async () => {
  cluster = await MemoryCluster.start()
})
afterAll(() => cluster.close())

describe('an empty database', () => {
  it('has no newest record, and an empty page', async () => {
    const newest = await ask('db1', 'GET', '/data')
    expect([newest.status, newest.headers.has('x-session-token')]).toEqual([404, true])
    expect(await newest.json()).toMatchObject({ type: 'urn:relais:problem:not-found', detail: 'there is no record yet' })
    expect(await (await ask('db1', 'GET', '/api/data')).json()).toEqual({ records: [], next: null, server: 'DB1' })
  })
})

describe('the report’s short forms', () => {
  it('answer in the recorded shapes, byte for byte', async () => {
    const saved = await ask('db1', 'POST', '/save', { message: 'Test data' })
    expect([saved.status, await saved.text()]).toEqual([200, `{"message":"Donnée 'Test data' sauvegardée sur DB 1"}`])
    await level(saved)
    for (const name of NAMES) {
      expect(await (await ask(name, 'GET', '/data')).text()).toBe(`{"message":"Test data","origin":"DB1","server":"${name.toUpperCase()}"}`)
    }
  })

  it('take the value that the report’s script writes', async () => {
    const response = await ask('db1', 'POST', '/api/data', { value: 'test-1' })
    expect(await response.json()).toMatchObject({ message: 'test-1', origin: 'DB1', server: 'DB1' })
  })
})

describe('a record', () => {
  it('is made, read at every node, replaced and removed; each answer says how far it goes', async () => {
    const made = await ask('db1', 'POST', '/api/data', { message: 'one' })
    const record = (await made.json()) as { id: number; createdAt: string }
    expect([made.status, made.headers.get('location')]).toEqual([201, `/api/data/${record.id}`])
    expect(record).toEqual({
      id: record.id,
      message: 'one',
      origin: 'DB1',
      createdAt: record.createdAt,
      updatedAt: record.createdAt,
      server: 'DB1',
    })
    expect(new Date(record.createdAt).toISOString()).toBe(record.createdAt)

    const replaced = await ask('db1', 'PUT', `/api/data/${record.id}`, { message: 'two' })
    expect([replaced.status, ((await replaced.json()) as { message: string }).message]).toEqual([200, 'two'])
    await level(replaced)
    for (const name of NAMES) {
      expect(await (await ask(name, 'GET', `/api/data/${record.id}`)).json()).toMatchObject({
        message: 'two',
        origin: 'DB1',
        server: name.toUpperCase(),
      })
    }

    const removed = await ask('db1', 'DELETE', `/api/data/${record.id}`)
    expect([removed.status, await removed.text()]).toEqual([204, ''])
    await level(removed)
    for (const name of NAMES) {
      const gone = await ask(name, 'GET', `/api/data/${record.id}`)
      expect([gone.status, gone.headers.has('x-session-token')]).toEqual([404, true])
    }
    const positions = [made, replaced, removed].map(({ headers }) => parsePosition(headers.get('x-session-token')!)!)
    expect(positions.toSorted(comparePositions)).toEqual(positions)
    expect(new Set(positions.map(({ lsn }) => lsn)).size).toBe(3)
  })

  it('that is not there is so from a position on, whatever was asked of it', async () => {
    for (const [method, body] of [['GET'], ['PUT', { message: 'x' }], ['DELETE']] as const) {
      const answer = await ask('db1', method, '/api/data/999999', body)
      expect([answer.status, answer.headers.has('x-session-token')]).toEqual([404, true])
      expect(await answer.json()).toMatchObject({ detail: 'there is no record 999999' })
    }
  })

  it('of the largest size makes pages that end early and go on without a hole', async () => {
    const message = '𝒳'.repeat(10_000)
    for (let n = 0; n < 60; n++) await cluster.node('db1').store.insert(message, { deadlineMs: Date.now() + 10_000 })
    const ids: number[] = []
    let pages = 0
    for (let before = ''; ; pages++) {
      const response = await ask('db1', 'GET', `/api/data?limit=1000${before}`)
      const { records, next } = (await response.json()) as { records: { id: number }[]; next: number | null }
      ids.push(...records.map(({ id }) => id))
      if (next === null) break
      before = `&before=${next}`
    }
    expect(pages).toBeGreaterThan(0)
    const { value } = await cluster.node('db1').store.page({ limit: 1_000 })
    expect(ids).toEqual(value.records.map(({ id }) => id))
  })
})

describe('health', () => {
  it.each<[NodeName, string, number]>([
    ['db1', '/primary', 200],
    ['db1', '/replica', 503],
    ['db2', '/primary', 503],
    ['db2', '/replica', 200],
    ['db3', '/replica?lag=1000', 200],
    ['db3', '/replica?lag=16MB', 200],
  ])('%s answers %s with %i', async (name, path, status) => {
    await vi.waitFor(async () => expect((await ask(name, 'GET', path)).status).toBe(status), { timeout: 10_000, interval: 20 })
  })

  it('tells replication from both ends', async () => {
    const upper = await (await ask('db1', 'GET', '/api/replication')).json()
    expect(upper).toMatchObject({
      name: 'db1',
      role: 'primary',
      mechanism: 'log',
      durability: 'async',
      upstream: null,
      replicas: [{ name: 'db2' }, { name: 'db3' }],
    })
    const lower = await (await ask('db3', 'GET', '/api/replication')).json()
    expect(lower).toMatchObject({ name: 'db3', role: 'replica', upstream: { name: 'db1' }, replicas: [] })
  })
})

function ask(name: NodeName, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return cluster.node(name).service.request(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
}

/** Every replica shows what `answer` shows. */
async function level(answer: Response): Promise<void> {
  const position = parsePosition(answer.headers.get('x-session-token')!)!
  for (const name of ['db2', 'db3'] as const) expect(await cluster.node(name).store.reach(position, 10_000)).toBe(true)
}
