/**
 * Replication with real processes: what each mechanism and each durability keeps and loses when nodes go and come back.
 */
import { readFileSync } from 'node:fs'
import type { RecordJson } from '@relais/shared/database/record-json.ts'
import { parsePosition } from '@relais/shared/store/position.ts'
import { Signer, SIGNATURE } from '@relais/stage1-memory/replication/signature.ts'
import { sealEntry } from '@relais/stage1-memory/store/operation.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type Answer } from './support/ask.ts'
import { areLevel, recordsOf, recordsOfAll, replicationOf } from './support/database-contents.ts'
import { inShort, Load, writeAll, writeOnce } from './support/load.ts'
import { serviceLines, type ServiceLine } from './support/log-lines.ts'
import { LEVEL, LOGGED, within } from './support/patience.ts'
import { RunningStage } from './support/running-stage.ts'
import { seededRandom } from './support/seeded-random.ts'
import { untruths } from './support/write-verdict.ts'

const WRITERS = 10

const random = seededRandom('stage1-replication')

/** Writes `count` messages through `url`; resolves to all answers. */
async function writeMany(url: string, count: number, name: string): Promise<Answer[]> {
  const messages = Array.from({ length: count }, (_, index) => `${name}-${index}`)
  return (await writeAll(url, messages)).map((answer) => answer!)
}

/** Sends each failed write of the load again, under its key; resolves to the statuses that came. */
async function repeatFailed(url: string, { failedWrites }: Load): Promise<Set<number | undefined>> {
  const messages = failedWrites.map(({ message }) => message)
  return new Set((await writeAll(url, messages)).map((answer) => answer?.status))
}

const epochOf = (position: string): number => parsePosition(position)!.epoch
const newestId = (records: readonly RecordJson[]): number => records.at(-1)?.id ?? 0

describe('log shipping', () => {
  let stage: RunningStage
  let frontend: string
  beforeAll(async () => {
    stage = await RunningStage.start()
    frontend = stage.entry('frontend')
  })
  afterAll(() => stage?.remove())

  test('brings a killed replica level with 1 000 writes that it missed', async () => {
    await stage.kill('db2')
    const answers = await writeMany(frontend, 1_000, 'missed')
    expect(answers.filter(({ status }) => status !== 201)).toEqual([])
    await stage.start('db2')
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const [db1, db2, db3] = await recordsOfAll(stage)
    expect(db1).toHaveLength(1_000)
    expect(db2).toEqual(db1)
    expect(db3).toEqual(db1)
    expect(db1!.map(({ id }) => id)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1))
  })

  test('brings a paused replica level, changes and removals included', async () => {
    await stage.pause('db3')
    const [first] = await writeMany(frontend, 20, 'paused')
    const url = `${frontend}/api/data/${first!.json.id as number}`
    await ask(url, { method: 'PUT', body: { message: 'changed meanwhile' } })
    await ask(`${frontend}/api/data/1`, { method: 'DELETE' })
    expect((await replicationOf(stage.url('db1'))).replicas.find(({ name }) => name === 'db3')!.lagRecords).toBeGreaterThan(0)
    await stage.resume('db3')
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const [db1, db2, db3] = await recordsOfAll(stage)
    expect(db1!.some(({ message }) => message === 'changed meanwhile')).toBe(true)
    expect(db1!.some(({ id }) => id === 1)).toBe(false)
    expect(db2).toEqual(db1)
    expect(db3).toEqual(db1)
  })

  test('gives an empty primary its list back, in a new epoch, and its ids go on', async () => {
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const before = await recordsOf(stage.url('db1'))
    const { position } = await replicationOf(stage.url('db1'))
    await stage.kill('db1')
    await stage.start('db1')
    const after = await replicationOf(stage.url('db1'))
    expect(epochOf(after.position)).toBeGreaterThan(epochOf(position))
    expect(await recordsOf(stage.url('db1'))).toEqual(before)
    const [answer] = await writeMany(frontend, 1, 'after-the-primary')
    expect(answer).toMatchObject({ status: 201, json: { id: newestId(before) + 1 } })
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const [db1, db2, db3] = await recordsOfAll(stage)
    expect(db1).toHaveLength(before.length + 1)
    expect(db2).toEqual(db1)
    expect(db3).toEqual(db1)
    const said = (): ServiceLine[] => serviceLines(stage, 'db1').filter(({ msg }) => msg === 'recovered the list from a replica')
    await expect.poll(() => said().length, LOGGED).toBe(1)
  })

  test('makes a write once, however often and to whichever primary it is repeated under its key', async () => {
    const first = await writeOnce(frontend, 'only-once')
    expect(first).toMatchObject({ status: 201 })
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    await stage.kill('db1')
    await stage.start('db1')
    for (let repeat = 1; repeat <= 3; repeat++)
      expect(await writeOnce(frontend, 'only-once')).toMatchObject({ status: 201, json: first!.json })
    const other = { body: { message: 'another one' }, headers: { 'idempotency-key': 'only-once' } }
    expect(await ask(`${frontend}/api/data`, other)).toMatchObject({ status: 422, problem: 'idempotency-key-reused' })
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    for (const records of await recordsOfAll(stage)) expect(records.filter(({ message }) => message === 'only-once')).toHaveLength(1)
  })

  test('survives the loss of each node in turn without losing a record', async () => {
    const before = await recordsOf(stage.url('db1'))
    for (const name of ['db3', 'db2', 'db1']) {
      await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
      await stage.kill(name)
      await stage.start(name)
    }
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    expect(await recordsOfAll(stage)).toEqual([before, before, before])
  })
})

describe('fan-out, as the report has it', () => {
  const LOST = 30
  let stage: RunningStage
  beforeAll(async () => {
    stage = await RunningStage.start({ replication: 'fan-out' })
  })
  afterAll(() => stage?.remove())

  const errors = (): ServiceLine[] => serviceLines(stage, 'db1').filter(({ level }) => level === 'error')

  test('loses for good what a replica misses past the attempts, and says so in log, metrics and status', async () => {
    const kept = await writeMany(stage.entry('frontend'), 20, 'kept')
    await expect.poll(async () => (await recordsOfAll(stage)).map(({ length }) => length), LEVEL).toEqual([20, 20, 20])
    await stage.kill('db2')
    const lost = await writeMany(stage.entry('frontend'), LOST, 'lost')
    expect(lost.filter(({ status }) => status !== 201)).toEqual([])
    await expect.poll(async () => (await replicationOf(stage.url('db1'))).details?.['givenUp'], within(15_000)).toBe(LOST)
    // A replica of lists in memory comes back empty, and nobody brings it what it had.
    await stage.start('db2')
    const more = await writeMany(stage.entry('frontend'), 5, 'more')
    await expect.poll(async () => (await recordsOfAll(stage)).map(({ length }) => length), LEVEL).toEqual([20 + LOST + 5, 5, 20 + LOST + 5])

    const [db1, db2, db3] = (await recordsOfAll(stage)).map((records) => records.map(({ message }) => message).toSorted())
    const messagesOf = (answers: readonly Answer[]): string[] => answers.map(({ json }) => json.message as string)
    expect(db2).toEqual(messagesOf(more).toSorted())
    expect(db1).toEqual([...messagesOf(kept), ...messagesOf(lost), ...messagesOf(more)].toSorted())
    expect(db3).toEqual(db1)

    await expect.poll(() => errors().length, LOGGED).toBe(LOST)
    expect(new Set(errors().map(({ msg, replica }) => `${String(replica)}: ${String(msg)}`))).toEqual(
      new Set(['db2: replication given up: the replica lacks this write']),
    )
    expect(
      errors()
        .map(({ id }) => Number(id))
        .toSorted((a, b) => a - b),
    ).toEqual(lost.map(({ json }) => json.id as number).toSorted((a, b) => a - b))
    const metrics = (await ask(`${stage.url('db1')}/metrics`)).text
    expect(metrics).toMatch(new RegExp(`relais_replication_given_up_total\\{.*replica="db2".*\\} ${LOST}\\n`))
    expect((await replicationOf(stage.url('db1'))).mechanism).toBe('fan-out')
    const lags = async (): Promise<unknown[]> =>
      (await replicationOf(stage.url('db1'))).replicas.map(({ name, lagRecords }) => `${name}: ${lagRecords}`)
    await expect.poll(lags, LEVEL).toEqual([`db2: ${LOST}`, 'db3: 0'])
  })

  test('appends whatever a node of the cluster sends, as often as it is sent', async () => {
    const before = await recordsOf(stage.url('db3'))
    const operation = { type: 'insert', message: 'said twice', origin: 'DB1', atMs: Date.now() } as const
    const body = JSON.stringify({ kind: 'entry', entry: sealEntry(1, 9_999, 9_999, operation) })
    const signature = new Signer(readFileSync(stage.directory.secretFile, 'utf8')).sign({ method: 'POST', path: '/api/replicate', body })
    for (let time = 1; time <= 2; time++) {
      expect(await ask(`${stage.url('db3')}/api/replicate`, { body, headers: { [SIGNATURE]: signature } })).toMatchObject({ status: 200 })
    }
    const after = await recordsOf(stage.url('db3'))
    expect(after.filter(({ message }) => message === 'said twice').length).toBeGreaterThan(0)
    expect((await replicationOf(stage.url('db3'))).details?.['arrivals']).toBe(before.length + 2)
  })
})

describe('quorum', () => {
  let stage: RunningStage
  let frontend: string
  beforeAll(async () => {
    stage = await RunningStage.start({ durability: 'quorum' })
    frontend = stage.entry('frontend')
  })
  afterAll(() => stage?.remove())

  test('keeps every acknowledged write when the primary is killed among writers', async () => {
    const load = new Load(frontend, { random, name: 'quorum', writeShare: 1, clients: WRITERS })
    await load.goOn(200)
    await stage.kill('db1')
    await load.goOn(2 * WRITERS)
    await stage.start('db1')
    await load.goOn(200)
    await load.stop()
    expect(load.failedWrites.length).toBeGreaterThan(0)
    for (const { answer } of load.failedWrites) {
      expect([502, 503, 504]).toContain(answer?.status)
      expect(answer!.headers['content-type']).toBe('application/problem+json')
    }
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const [db1, db2, db3] = await recordsOfAll(stage)
    expect(untruths(load.writes, db1!)).toEqual([])
    expect([db2, db3]).toEqual([db1, db1])
    // And with its key each of the others can be brought to its one effect.
    expect(await repeatFailed(frontend, load)).toEqual(new Set([201]))
    const all = (await recordsOf(stage.url('db1'))).map(({ message }) => message)
    expect(all.toSorted()).toEqual(load.writes.map(({ message }) => message).toSorted())
  })

  test('goes on with one replica killed', async () => {
    await stage.kill('db2')
    const answers = await writeMany(frontend, 50, 'one-replica')
    expect(answers.filter(({ status }) => status !== 201)).toEqual([])
    await stage.start('db2')
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const [db1, db2] = await recordsOfAll(stage)
    expect(db2).toEqual(db1)
  })

  test('never acknowledges a write with both replicas killed, and tells a refused one from an unknown one', async () => {
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const before = (await recordsOf(stage.url('db1'))).length
    const load = new Load(frontend, { random, name: 'no-quorum', writeShare: 1, clients: WRITERS })
    await load.goOn(50)
    await stage.kill('db2', 'db3')
    const alone = load.sent
    await load.goOn(100)
    await load.stop()
    expect(load.sentSince(alone).length).toBeGreaterThan(WRITERS)
    expect(inShort(load.sentSince(alone).filter(({ answer }) => answer?.status === 201))).toEqual([])
    for (const { answer } of load.failedWrites) {
      expect([503, 504]).toContain(answer?.status)
      // db-lb gives up half a second after db1 would.
      expect(answer!.status === 503 ? ['not-enough-replicas'] : ['replication-timeout', 'upstream-timeout']).toContain(answer!.problem)
      expect(answer).toMatchObject({ json: { definite: answer!.status === 503 }, headers: { 'retry-after': '1' } })
    }
    expect(load.failedWrites.some(({ answer }) => answer?.status === 503)).toBe(true)
    const records = await recordsOf(stage.url('db1'))
    expect(untruths(load.writes, records.slice(before))).toEqual([])
    // Reads go on meanwhile.
    expect(await ask(`${frontend}/api/data`)).toMatchObject({ status: 200 })

    await stage.start('db2', 'db3')
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    expect(await repeatFailed(frontend, load)).toEqual(new Set([201]))
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const [db1, db2, db3] = await recordsOfAll(stage)
    expect(
      db1!
        .slice(before)
        .map(({ message }) => message)
        .toSorted(),
    ).toEqual(load.writes.map(({ message }) => message).toSorted())
    expect([db2, db3]).toEqual([db1, db1])
  })

  test('answers 504, unknown, when both replicas are silent, and has the write once when they are heard again', async () => {
    const before = (await recordsOf(stage.url('db1'))).length
    await stage.pause('db2', 'db3')
    expect(await writeOnce(frontend, 'into-silence')).toMatchObject({ status: 504, json: { definite: false } })
    await stage.resume('db2', 'db3')
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    expect(await writeOnce(frontend, 'into-silence')).toMatchObject({ status: 201 })
    expect((await recordsOf(stage.url('db1'))).slice(before)).toMatchObject([{ message: 'into-silence' }])
  })
})

describe('all', () => {
  let stage: RunningStage
  beforeAll(async () => {
    stage = await RunningStage.start({ durability: 'all' })
  })
  afterAll(() => stage?.remove())

  test('has every write on all three databases when it is acknowledged, and refuses with one replica killed', async () => {
    const frontend = stage.entry('frontend')
    for (let number = 1; number <= 10; number++) {
      expect(await writeOnce(frontend, `everywhere-${number}`)).toMatchObject({ status: 201 })
      expect((await recordsOfAll(stage)).map(({ length }) => length)).toEqual([number, number, number])
    }
    await stage.kill('db3')
    // The first write may be the one that finds out: it is made, and unknown.
    const found = await writeOnce(frontend, 'finds-out')
    expect([503, 504]).toContain(found!.status)
    await expect.poll(async () => (await writeOnce(frontend, 'refused'))?.problem, LEVEL).toBe('not-enough-replicas')
    const isMade = found!.status === 504
    expect((await recordsOf(stage.url('db1'))).length).toBe(isMade ? 11 : 10)
    await stage.start('db3')
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    for (const message of ['finds-out', 'refused']) expect(await writeOnce(frontend, message)).toMatchObject({ status: 201 })
    expect((await recordsOfAll(stage)).map(({ length }) => length)).toEqual([12, 12, 12])
  })
})
