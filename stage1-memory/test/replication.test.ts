/**
 * Stage 1's replication over real loopback HTTP: nodes go away, come back empty, fall behind, disagree; and what clients may
 * see of it. Every wait is for a state, with a bound.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { mountDatabase } from '@relais/shared/database/app.ts'
import { MAY_MOVE } from '@relais/shared/http/headers.ts'
import { Service } from '@relais/shared/http/service.ts'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { comparePositions, formatPosition, parsePosition } from '@relais/shared/store/position.ts'
import type { StoredRecord, WriteOptions } from '@relais/shared/store/store.ts'
import { FAN_OUT_ATTEMPTS_MAX } from '../replication/fan-out.ts'
import { REPLICATE_PATH, toRow } from '../replication/messages.ts'
import { SIGNATURE, Signer } from '../replication/signature.ts'
import { sealEntry } from '../store/operation.ts'
import type { Stage1Settings } from '../node.ts'
import { MemoryCluster, NAMES, type NodeName } from './memory-cluster.ts'

const WAIT = { timeout: 15_000, interval: 10 }
/** Below the deadline of a node-to-node call, above what a busy machine takes for a few requests. */
const DELAY_MS = 900

let cluster: MemoryCluster

afterEach(() => cluster.close())

describe('a replica that restarts empty', () => {
  it('gets the whole list back, with what was replaced and removed meanwhile, and then serves it', async () => {
    await start()
    await insert(30)
    await cluster.stopNode('db2')
    await insert(20)
    await primary().replace(3, 'changed meanwhile', write())
    await primary().remove(7, write())
    await cluster.startNode('db2')
    await equalLists()
    await cluster.ready('db2')
    expect(await list('db2')).toHaveLength(49)
    await insert(5)
    await equalLists()
  })

  it('does not answer for a list that it does not have yet', async () => {
    await start()
    await insert(3)
    await cluster.stopNode('db1')
    await cluster.stopNode('db2')
    await cluster.startNode('db2')
    const response = await ask('db2', 'GET', '/api/data')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:not-ready', detail: 'no word from db1 yet' })
    expect((await ask('db2', 'GET', '/readyz')).status).toBe(503)
    expect((await ask('db2', 'GET', '/replica')).status).toBe(503)
  })

  it('and lies beyond what the log keeps is brought back by a snapshot, and by the log from there', async () => {
    await start({ RELAIS_LOG_ENTRIES_KEPT: 10 })
    await insert(5)
    await cluster.stopNode('db3')
    await insert(60)
    await cluster.startNode('db3')
    await equalLists()
    const snapshotsSent = async (): Promise<unknown> => (await primary().replication()).details?.['snapshotsSent']
    const before = await snapshotsSent()
    expect(before).toBeGreaterThanOrEqual(1)
    await insert(5)
    await equalLists()
    expect(await snapshotsSent()).toBe(before)
  })
})

describe('a primary that restarts empty', () => {
  it('recovers the list from its replicas in a new epoch; ids go on, tokens compare, keys are known', async () => {
    await start()
    const before = await insert(20)
    await primary().replace(4, 'changed', write())
    await primary().remove(9, write())
    const keyed = await primary().insert('once', write('key-1'))
    await equalLists()
    const records = await list('db1')

    await cluster.stopNode('db1')
    await cluster.startNode('db1')
    await cluster.ready('db1')
    expect(await list('db1')).toEqual(records)

    const after = await primary().insert('first of the new epoch', write())
    expect(after.value.id).toBe(keyed.value.id + 1)
    expect(after.position.epoch).toBe(before.at(-1)!.position.epoch + 1)
    expect(comparePositions(after.position, keyed.position)).toBeGreaterThan(0)
    expect((await primary().insert('once', write('key-1'))).value).toEqual(keyed.value)
    await equalLists()
    for (const name of NAMES) {
      const response = await ask(name, 'GET', '/api/data/1', { 'x-session-token': formatPosition(keyed.position) })
      expect(response.status).toBe(200)
      expect(comparePositions(parsePosition(response.headers.get('x-session-token')!)!, keyed.position)).toBeGreaterThan(0)
    }
  })

  it('wipes no replica: with quorum it waits for the one that is silent, and takes no write before', async () => {
    await start({ RELAIS_DURABILITY: 'quorum' })
    await reachable('db2', 'db3')
    await insert(5)
    await cluster.stopNode('db1')
    await cluster.stopNode('db3')
    await cluster.startNode('db1')
    await vi.waitFor(async () => expect(await primary().notReadyBecause()).toBe('an empty primary waits to hear what db3 holds'), WAIT)
    await expect(primary().insert('too early', write())).rejects.toMatchObject({ slug: 'not-ready', definite: true })
    expect((await ask('db1', 'GET', '/api/data')).status).toBe(503)
    const moved = await ask('db1', 'GET', '/api/data', { [MAY_MOVE]: 'yes' })
    expect([moved.status, moved.headers.get('x-accel-redirect')]).toEqual([503, '@replicas'])
    await cluster.startNode('db3')
    await cluster.ready('db1')
    await equalLists()
    expect(await list('db3')).toHaveLength(5)
  })
})

describe('a primary that is asked to stop', () => {
  it('first brings the replicas up to what it has acknowledged', async () => {
    await start({ RELAIS_FAULT_REPLICATION_DELAY_MS: 300 })
    await reachable('db2', 'db3')
    await insert(1)
    // Acknowledged while a batch is on its way, so it can only come with the next one.
    await insert(1)
    await cluster.stopNode('db1')
    for (const name of ['db2', 'db3'] as const) expect(await list(name)).toHaveLength(2)
  })
})

describe('a replica that is down', () => {
  it('does not stop an asynchronous primary, and is told as unreachable until it is back', async () => {
    await start()
    await cluster.stopNode('db3')
    await insert(10)
    await state('db3', 'unreachable')
    await vi.waitFor(async () => {
      const { replicas } = await primary().replication()
      expect(replicas).toMatchObject([
        { name: 'db2', state: 'streaming', lagRecords: 0 },
        { name: 'db3', state: 'unreachable' },
      ])
    }, WAIT)
    expect((await ask('db2', 'GET', '/replica?lag=0')).status).toBe(200)
    await cluster.startNode('db3')
    await equalLists()
    await state('db3', 'streaming')
  })

  it('does not stop a quorum, but two do: 503, definite, and nothing was written', async () => {
    await start({ RELAIS_DURABILITY: 'quorum' })
    await reachable('db2', 'db3')
    await cluster.stopNode('db3')
    await state('db3', 'unreachable')
    await insert(1)
    await cluster.stopNode('db2')
    await state('db2', 'unreachable')
    const before = await primary().page({ limit: 10 })

    const refused = await ask('db1', 'POST', '/api/data', { 'idempotency-key': 'key-1' }, { message: 'later' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await refused.json()).toMatchObject({ type: 'urn:relais:problem:not-enough-replicas', definite: true })
    expect(await primary().page({ limit: 10 })).toEqual(before)

    await cluster.startNode('db2')
    await reachable('db2')
    const repeated = await ask('db1', 'POST', '/api/data', { 'idempotency-key': 'key-1' }, { message: 'later' })
    expect(repeated.status).toBe(201)
    expect(await list('db1')).toHaveLength(before.value.records.length + 1)
  })

  it('stops a primary whose durability is all, at once and for certain', async () => {
    await start({ RELAIS_DURABILITY: 'all' })
    await reachable('db2', 'db3')
    await insert(1)
    await cluster.stopNode('db2')
    await state('db2', 'unreachable')
    await expect(primary().insert('refused', write())).rejects.toMatchObject({ slug: 'not-enough-replicas', status: 503, definite: true })
    expect(await list('db1')).toHaveLength(1)
  })
})

describe('replicas that live but do not confirm in time', () => {
  it('leave a write unknown: 504, definite: false; its repeat under the same key has one effect', async () => {
    await start({ RELAIS_DURABILITY: 'quorum', RELAIS_FAULT_REPLICATION_DELAY_MS: DELAY_MS })
    await reachable('db2', 'db3')
    const hasty = databaseService({ writeDeadlineMs: 60 })
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'key-1' },
      body: '{"message":"once"}',
    }
    const unknown = await hasty.request('/api/data', request)
    expect(unknown.status).toBe(504)
    expect(await unknown.json()).toMatchObject({ type: 'urn:relais:problem:replication-timeout', definite: false })

    const again = await hasty.request('/api/data', request)
    expect(again.status).toBe(504)
    const patient = await databaseService({ writeDeadlineMs: 20_000 }).request('/api/data', request)
    expect(patient.status).toBe(201)
    const record = (await patient.json()) as { id: number }
    await equalLists()
    expect((await list('db2')).map(({ id }) => id)).toEqual([record.id])
  })
})

describe('a session token, with replication held back', () => {
  it('keeps a client from reading older than it wrote or read; without one it can', async () => {
    await start()
    await insert(1)
    await equalLists()
    await cluster.stopNode('db2')
    await cluster.startNode('db2', { RELAIS_FAULT_REPLICATION_DELAY_MS: DELAY_MS })
    await equalLists()
    await cluster.ready('db2')

    const written = await ask('db1', 'POST', '/api/data', {}, { message: 'mine' })
    const { id } = (await written.json()) as { id: number }
    const token = written.headers.get('x-session-token')!

    // Without the token db2 shows an older list, after the client wrote, and after db3 showed it a newer one.
    expect(await newestAt('db2')).toBe(id - 1)
    await cluster.node('db3').store.reach(parsePosition(token)!, WAIT.timeout)
    expect(await newestAt('db3')).toBe(id)
    expect(await newestAt('db2')).toBe(id - 1)
    expect((await ask('db2', 'GET', `/api/data/${id}`)).status).toBe(404)

    // With it db2 refuses, or sends the read to where the load balancer offers to move it.
    const behind = await ask('db2', 'GET', `/api/data/${id}`, { 'x-session-token': token })
    expect(behind.status).toBe(503)
    expect(await behind.json()).toMatchObject({
      type: 'urn:relais:problem:replica-behind',
      detail: expect.stringContaining(token),
      definite: true,
    })
    const moved = await ask('db2', 'GET', '/api/data', { 'x-session-token': token, [MAY_MOVE]: 'yes' })
    expect([moved.status, moved.headers.get('x-accel-redirect'), await moved.text()]).toEqual([503, '@primary', ''])

    // The primary and a replica that has it serve it, and so does db2 once it has come that far.
    for (const name of ['db1', 'db3'] as const) expect(await newestAt(name, token)).toBe(id)
    expect(await cluster.node('db2').store.reach(parsePosition(token)!, WAIT.timeout)).toBe(true)
    expect(await newestAt('db2', token)).toBe(id)
  })

  it('makes a client’s reads monotonic, whichever node serves each of them', async () => {
    await start()
    await insert(1)
    await equalLists()
    await cluster.stopNode('db2')
    await cluster.startNode('db2', { RELAIS_FAULT_REPLICATION_DELAY_MS: 150 })
    await cluster.ready('db2')
    let token: string | undefined
    let newest = 0
    for (let n = 0; n < 12; n++) {
      await insert(1)
      for (const name of ['db3', 'db2', 'db1', 'db2'] as const) {
        let response = await ask(name, 'GET', '/api/data?limit=1', token === undefined ? {} : { 'x-session-token': token })
        // What db-lb does with such an answer.
        if (response.status === 503) response = await ask('db1', 'GET', '/api/data?limit=1')
        const { records } = (await response.json()) as { records: StoredRecord[] }
        expect(records[0]!.id).toBeGreaterThanOrEqual(newest)
        newest = records[0]!.id
        const seen = response.headers.get('x-session-token')!
        if (token === undefined || comparePositions(parsePosition(seen)!, parsePosition(token)!) > 0) token = seen
      }
    }
  })
})

describe('a forged node-to-node call', () => {
  it('is answered 401 by every node, whatever is forged of it, and changes nothing', async () => {
    await start()
    await insert(3)
    await equalLists()
    const genuine = new Signer(readFileSync(cluster.secretFile, 'utf8'))
    const stale = new Signer(readFileSync(cluster.secretFile, 'utf8'), () => Date.now() - 60_000)
    const foreign = new Signer('00'.repeat(32))
    const body = JSON.stringify({ kind: 'batch', epoch: 99, previous: { epoch: 0, lsn: 0 }, entries: [], headLsn: 0 })
    const call = { method: 'POST', path: REPLICATE_PATH, body }
    const forgeries: [string, string, string | undefined, string | undefined][] = [
      ['POST', REPLICATE_PATH, undefined, body],
      ['POST', REPLICATE_PATH, '', body],
      ['POST', REPLICATE_PATH, `${Date.now()}.${'0'.repeat(64)}`, body],
      ['POST', REPLICATE_PATH, foreign.sign(call), body],
      ['POST', REPLICATE_PATH, stale.sign(call), body],
      ['POST', REPLICATE_PATH, genuine.sign({ ...call, path: '/api/data' }), body],
      ['POST', REPLICATE_PATH, genuine.sign({ ...call, method: 'GET' }), body],
      ['POST', REPLICATE_PATH, genuine.sign(call), body.replace('99', '98')],
      ['POST', `${REPLICATE_PATH}?x=1`, genuine.sign(call), body],
      ['GET', REPLICATE_PATH, undefined, undefined],
      ['GET', REPLICATE_PATH, foreign.sign({ method: 'GET', path: REPLICATE_PATH, body: '' }), undefined],
      [
        'GET',
        `${REPLICATE_PATH}/snapshot?part=0`,
        genuine.sign({ method: 'GET', path: `${REPLICATE_PATH}/snapshot?part=1`, body: '' }),
        undefined,
      ],
    ]
    const before = await Promise.all(NAMES.map(holdings))
    for (const name of NAMES) {
      for (const [method, path, signature, sent] of forgeries) {
        const response = await raw(name, method, path, signature, sent)
        expect(response.status, `${name} ${method} ${path}`).toBe(401)
        expect(response.headers.get('www-authenticate')).toBe('Relais-HMAC')
        expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:unauthorized', definite: true })
      }
    }
    expect(await Promise.all(NAMES.map(holdings))).toEqual(before)
  })

  it('that is signed but malformed, damaged or out of place is refused, and changes nothing', async () => {
    await start()
    await equalLists()
    const before = await holdings('db2')
    const damaged = batch({ epoch: 0, lsn: 0 }, [[1, 1, 1, 7, 'insert', 1, 'm', 'DB1', null]])
    const bodies: [string, number][] = [
      ['{"kind', 400],
      ['{"kind":"drop"}', 422],
      [JSON.stringify(damaged), 409],
      [JSON.stringify(batch({ epoch: 1, lsn: 50 }, [])), 409],
    ]
    for (const [body, status] of bodies) {
      const response = await raw('db2', 'POST', REPLICATE_PATH, sign('POST', REPLICATE_PATH, body), body)
      expect(response.status, body).toBe(status)
      expect(await holdings('db2')).toEqual(before)
    }
  })

  it('that is signed but sent to the primary is a conflict', async () => {
    await start()
    const body = JSON.stringify(batch({ epoch: 0, lsn: 0 }, []))
    const response = await raw('db1', 'POST', REPLICATE_PATH, sign('POST', REPLICATE_PATH, body), body)
    expect(response.status).toBe(409)
  })
})

describe('a replica that took another way', () => {
  it('gets the primary’s list, and what only it held is kept in a file', async () => {
    await start()
    await insert(5)
    await equalLists()
    await cluster.stopNode('db1')
    // The old primary's last words reached db2 alone …
    const body = JSON.stringify(
      batch(
        { epoch: 1, lsn: 5 },
        [6, 7, 8].map((lsn) => toRow(sealEntry(1, lsn, lsn, { type: 'insert', message: `only db2 ${lsn}`, origin: 'DB1', atMs: 1 }))),
      ),
    )
    expect((await raw('db2', 'POST', REPLICATE_PATH, sign('POST', REPLICATE_PATH, body), body)).status).toBe(200)
    // … and the next primary began with db3's list.
    await cluster.startNode('db1', { RELAIS_PEERS: [{ name: 'db3', url: cluster.url('db3') }] })
    await cluster.ready('db1')
    await insert(2)
    await vi.waitFor(async () => expect(await list('db3')).toHaveLength(7), WAIT)
    await cluster.stopNode('db1')
    await cluster.startNode('db1')
    await cluster.ready('db1')
    await equalLists()
    expect((await list('db2')).map(({ message }) => message)).toEqual([
      'message 2',
      'message 1',
      'message 5',
      'message 4',
      'message 3',
      'message 2',
      'message 1',
    ])
    const [file, ...others] = readdirSync(join(cluster.dir, 'db2')).filter((name) => name.startsWith('discarded-'))
    expect(others).toEqual([])
    const kept = readFileSync(join(cluster.dir, 'db2', file!), 'utf8')
      .trimEnd()
      .split('\n')
    expect(kept.map((line) => (JSON.parse(line) as { operation: { message: string } }).operation.message)).toEqual([
      'only db2 6',
      'only db2 7',
      'only db2 8',
    ])
  })
})

describe('fan-out', () => {
  it('loses what a replica missed past the last attempt, and says and counts it; the others have it', async () => {
    await start({ RELAIS_REPLICATION: 'fan-out' })
    await insert(2)
    await vi.waitFor(async () => expect(await list('db2')).toHaveLength(2), WAIT)
    await cluster.stopNode('db2')
    await insert(3)
    await vi.waitFor(async () => expect((await primary().replication()).details).toMatchObject({ givenUp: 3 }), WAIT)
    await cluster.startNode('db2')
    const { position } = (await insert(1)).at(-1)!
    await vi.waitFor(async () => expect(await list('db2')).toHaveLength(1), WAIT)
    await vi.waitFor(async () => expect(await list('db3')).toHaveLength(6), WAIT)
    const metrics = await (await ask('db1', 'GET', '/metrics')).text()
    expect(metrics).toMatch(/^relais_replication_given_up_total\{(?=.*replica="db2").*\} 3$/m)
    expect(metrics).toMatch(new RegExp(`^relais_replication_failed_attempts_total\\{.*\\} ${3 * FAN_OUT_ATTEMPTS_MAX}$`, 'm'))
    const behind = await ask('db2', 'GET', '/api/data', { 'x-session-token': formatPosition(position) })
    expect(behind.status).toBe(503)
    expect(await (await ask('db2', 'GET', '/api/data')).json()).toMatchObject({ records: [{ id: 6 }], server: 'DB2' })
  })
})

async function start(settings: Partial<Stage1Settings> = {}): Promise<void> {
  cluster = await MemoryCluster.start(settings)
}

function primary(): ReturnType<MemoryCluster['node']>['store'] {
  return cluster.node('db1').store
}

function write(idempotencyKey?: string): WriteOptions {
  return { idempotencyKey, deadlineMs: Date.now() + WAIT.timeout }
}

async function insert(count: number): Promise<Awaited<ReturnType<ReturnType<typeof primary>['insert']>>[]> {
  const answers = []
  for (let n = 1; n <= count; n++) answers.push(await primary().insert(`message ${n}`, write()))
  return answers
}

async function list(name: NodeName): Promise<readonly StoredRecord[]> {
  return (await cluster.node(name).store.page({ limit: 1_000 })).value.records
}

async function holdings(name: NodeName): Promise<unknown> {
  return cluster.node(name).store.page({ limit: 1_000 })
}

/** All nodes hold the same list, at the same position. */
async function equalLists(): Promise<void> {
  await vi.waitFor(async () => {
    const [first, ...others] = await Promise.all(NAMES.map(holdings))
    for (const other of others) expect(other).toEqual(first)
  }, WAIT)
}

async function reachable(...names: NodeName[]): Promise<void> {
  await vi.waitFor(async () => {
    const { replicas } = await primary().replication()
    for (const name of names) expect(replicas.find((replica) => replica.name === name)?.state).toMatch(/streaming|catching-up/)
  }, WAIT)
}

async function state(name: NodeName, expected: string): Promise<void> {
  await vi.waitFor(async () => {
    const { replicas } = await primary().replication()
    expect(replicas.find((replica) => replica.name === name)?.state).toBe(expected)
  }, WAIT)
}

/** The primary's store behind routes with other patience. */
function databaseService(options: Parameters<typeof mountDatabase>[2]): Service {
  const service = new Service({ stage: 'stage1', name: 'db1', log: SILENT_LOG })
  mountDatabase(service, primary(), options)
  return service
}

function ask(name: NodeName, method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Response> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  return cluster.node(name).service.request(path, { method, headers: { 'content-type': 'application/json', ...headers }, ...json })
}

async function newestAt(name: NodeName, token?: string): Promise<number> {
  const response = await ask(name, 'GET', '/api/data?limit=1', token === undefined ? {} : { 'x-session-token': token })
  expect(response.status).toBe(200)
  return ((await response.json()) as { records: StoredRecord[] }).records[0]!.id
}

function batch(previous: { epoch: number; lsn: number }, entries: unknown[]): unknown {
  return { kind: 'batch', epoch: 1, previous, entries, headLsn: previous.lsn + entries.length }
}

function sign(method: string, path: string, body: string): string {
  return new Signer(readFileSync(cluster.secretFile, 'utf8')).sign({ method, path, body })
}

/** Over a real connection, as another process would. */
function raw(name: NodeName, method: string, path: string, signature: string | undefined, body: string | undefined): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(signature !== undefined && { [SIGNATURE]: signature }) }
  return fetch(cluster.url(name) + path, { method, headers, ...(body !== undefined && { body }) })
}
