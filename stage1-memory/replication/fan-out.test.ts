/** Fan-out's retries against a replica that msw plays, in virtual time: what comes back is repaired, what does not is lost and counted. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { recordingLog } from '@relais/shared/test/recording-log.ts'
import { rejectionOf } from '@relais/shared/test/rejection-of.ts'
import type { Durability } from '@relais/shared/store/store.ts'
import { ReplicatedList } from '../store/replicated-list.ts'
import { playNetwork, playReplica, problem, SECRET, tookIt, type PlayedReplica, type Play } from '../test/played-replica.ts'
import { pass, recordedSleep, settled, until, useVirtualTime } from '../test/virtual-time.ts'
import { FAN_OUT_ATTEMPTS_MAX, FAN_OUT_BACKOFF, FAN_OUT_CALL_DEADLINE_MS, FanOut } from './fan-out.ts'
import { Signer } from './signature.ts'

const network = playNetwork()
const opened: FanOut[] = []

beforeAll(() => network.enable())
afterAll(() => network.disable())
beforeEach(() => useVirtualTime())
afterEach(() => {
  for (const fanOut of opened.splice(0)) fanOut.close()
  network.resetHandlers()
  vi.useRealTimers()
})

describe('fan-out', () => {
  it('sends each write to each replica on its own, signed by the cluster', async () => {
    const { replicas, write, fanOut } = open(() => tookIt(1, 1))
    write()
    write()
    await until(() => replicas.every(({ attempts }) => attempts.length === 2), 'two calls to each replica')
    for (const { attempts } of replicas) {
      expect(new Set(attempts.map(({ message }) => message.kind === 'entry' && message.entry.lsn))).toEqual(new Set([1, 2]))
      expect(attempts.every(({ isGenuine }) => isGenuine)).toBe(true)
    }
    await until(() => fanOut.status().every(({ state }) => state === 'streaming'), 'both replicas streaming')
    expect(fanOut.status()).toMatchObject([
      { name: 'db2', lagRecords: 0 },
      { name: 'db3', lagRecords: 0 },
    ])
  })

  it.each<[string, Play]>([
    ['refuses', 'refuse'],
    ['answers 500', problem(500)],
    ['answers 409', problem(409, { reason: 'gap', last: { epoch: 1, lsn: 0 } })],
    ['answers 200 with something else', { status: 200, body: { ok: true } }],
  ])('tries again, after exactly the delay drawn, when a replica %s', async (_, play) => {
    const { replicas, write, sleptMs } = open((n) => (n < 3 ? play : tookIt(1, 1)), { random: draws(0.5, 0.25), only: 'db2' })
    const db2 = replicas[0]!
    write()
    await until(() => sleptMs.length === 1, 'the first sleep')
    expect(sleptMs).toEqual([0.5 * FAN_OUT_BACKOFF.baseMs])
    await pass(0.5 * FAN_OUT_BACKOFF.baseMs - 1)
    expect(db2.attempts).toHaveLength(1)
    await pass(1)
    await until(() => sleptMs.length === 2, 'the second sleep')
    expect(sleptMs[1]).toBe(0.25 * 2 * FAN_OUT_BACKOFF.baseMs)
    await pass(sleptMs[1]!)
    await until(() => db2.attempts.length === 3, 'the third attempt')
    await settled()
    await pass(60_000)
    expect(db2.attempts).toHaveLength(3)
  })

  it('leaves a replica that hangs at its deadline, and tries again', async () => {
    const { replicas, write, sleptMs, fanOut } = open((n) => (n === 1 ? 'hang' : tookIt(1, 1)), { random: () => 0, only: 'db2' })
    const db2 = replicas[0]!
    write()
    await until(() => db2.attempts.length === 1, 'the first attempt')
    await pass(FAN_OUT_CALL_DEADLINE_MS - 1)
    expect(sleptMs).toEqual([])
    await pass(1)
    await until(() => sleptMs.length === 1, 'the deadline')
    await until(() => fanOut.status()[0]!.state === 'streaming', 'the second attempt’s success')
    expect(db2.attempts).toHaveLength(2)
  })

  it('repeats the same entry to a replica that applied it and did not answer in time', async () => {
    const { replicas, write } = open((n) => (n === 1 ? 'hang' : tookIt(1, 1)), { random: () => 0, only: 'db2' })
    write()
    await until(() => replicas[0]!.attempts.length === 1, 'the first attempt')
    await pass(FAN_OUT_CALL_DEADLINE_MS)
    await until(() => replicas[0]!.attempts.length === 2, 'the repeat')
    const [first, second] = replicas[0]!.attempts
    expect(second!.message).toEqual(first!.message)
    expect(second!.isGenuine).toBe(true)
  })

  it('gives up after the maximum of attempts: an error in the log, a count, a hole', async () => {
    const { replicas, write, sleptMs, fanOut, givenUp, lines } = open(() => 'refuse', { random: () => 0.999, only: 'db2' })
    const entry = write()
    for (let n = 1; n < FAN_OUT_ATTEMPTS_MAX; n++) {
      await until(() => sleptMs.length === n, `sleep ${n}`)
      await pass(sleptMs[n - 1]!)
    }
    await until(() => givenUp.length === 1, 'giving up')
    expect(replicas[0]!.attempts).toHaveLength(FAN_OUT_ATTEMPTS_MAX)
    expect(sleptMs.map((delayMs) => Math.round(delayMs / 0.999))).toEqual([100, 200, 400, 800])
    expect(givenUp).toEqual(['db2'])
    expect(fanOut.details()).toEqual({ givenUp: 1, failedAttempts: FAN_OUT_ATTEMPTS_MAX })
    expect(fanOut.status()).toMatchObject([{ name: 'db2', state: 'unreachable', lagRecords: 1 }])
    expect(lines(50)).toEqual([
      expect.objectContaining({ replica: 'db2', lsn: entry.lsn, id: entry.id, msg: 'replication given up: the replica lacks this write' }),
    ])
    expect(lines(40).map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5])
    await pass(3_600_000)
    expect(replicas[0]!.attempts).toHaveLength(FAN_OUT_ATTEMPTS_MAX)
  })

  it('tells of a replica what is on its way, that a write was given up, and that it is back with the next one; the hole stays', async () => {
    const play = (n: number): Play => (n <= FAN_OUT_ATTEMPTS_MAX ? 'refuse' : tookIt(1, 2))
    const { fanOut, write } = open(play, { random: () => 0, only: 'db2' })
    write()
    expect(fanOut.status()).toEqual([{ name: 'db2', state: 'catching-up', position: null, lagRecords: 1, lagBytes: null, lagMs: null }])
    await until(() => fanOut.status()[0]!.state === 'unreachable', 'giving up')
    write()
    expect(fanOut.status()).toMatchObject([{ state: 'unreachable', position: null, lagRecords: 2 }])
    await until(() => fanOut.status()[0]!.state !== 'unreachable', 'the second write')
    expect(fanOut.status()).toMatchObject([{ state: 'streaming', position: '1:2', lagRecords: 1 }])
  })

  it('lets a retried write arrive after its successors', async () => {
    const { replicas, write, sleptMs } = open((n) => (n === 1 ? 'refuse' : tookIt(1, 1)), { random: () => 0.5, only: 'db2' })
    write()
    await until(() => sleptMs.length === 1, 'the sleep')
    write()
    await until(() => replicas[0]!.attempts.length === 2, 'the second write')
    await pass(60_000)
    await until(() => replicas[0]!.attempts.length === 3, 'the first write again')
    expect(replicas[0]!.attempts.map(({ message }) => message.kind === 'entry' && message.entry.lsn)).toEqual([1, 2, 1])
  })

  it('gives a write up at once while ten thousand are on their way to a replica', async () => {
    const list = new ReplicatedList()
    list.beginEpoch(1)
    const givenUp: string[] = []
    const unable = new Signer(SECRET)
    unable.sign = () => {
      throw new Error('nothing is sent')
    }
    const fanOut = new FanOut({
      list,
      replicas: [{ name: 'db2', url: 'http://db2.test:18000' }],
      durability: 'async',
      signer: unable,
      log: SILENT_LOG,
      onGivenUp: (replica) => givenUp.push(replica),
      retryOptions: { sleep: () => new Promise(() => {}) },
    })
    opened.push(fanOut)
    const write = (): void => fanOut.committed(list.commit({ type: 'insert', message: 'm', origin: 'DB1', atMs: 1 }))
    for (let n = 1; n <= 10_000; n++) write()
    await settled()
    expect(givenUp).toEqual([])
    write()
    await until(() => givenUp.length === 1, 'giving up')
    expect(fanOut.details()).toEqual({ givenUp: 1, failedAttempts: 10_000 })
  })

  it('tries no more once it is closed, and calls nothing lost for it', async () => {
    const { replicas, write, sleptMs, fanOut, givenUp } = open(() => 'refuse', { only: 'db2' })
    write()
    await until(() => sleptMs.length === 1, 'the sleep')
    fanOut.close()
    await pass(60_000)
    expect(replicas[0]!.attempts).toHaveLength(1)
    expect(givenUp).toEqual([])
  })
})

describe('fan-out’s durability', () => {
  it.each<Durability>(['async', 'quorum'])('%s is reached with one of two replicas dead', async (durability) => {
    const { fanOut, write } = open((_n, name) => (name === 'db2' ? 'refuse' : tookIt(1, 1)), { durability, random: () => 0 })
    await expect(fanOut.durable(write().lsn, Date.now() + 2_000)).resolves.toBeUndefined()
  })

  it('all is not reached with one of two replicas dead', async () => {
    const { fanOut, write } = open((_n, name) => (name === 'db2' ? 'refuse' : tookIt(1, 1)), { durability: 'all', random: () => 0 })
    const durable = fanOut.durable(write().lsn, Date.now() + 2_000)
    await expect(durable).rejects.toMatchObject({ slug: 'replication-timeout', definite: false })
  })

  it('async is reached at once, whoever hangs', async () => {
    const { fanOut, write } = open(() => 'hang', { durability: 'async' })
    await expect(fanOut.durable(write().lsn, Date.now() + 2_000)).resolves.toBeUndefined()
  })

  it.each([{}, { only: 'db2' }])('is unknown at its deadline while every replica hangs: %j', async (replicas) => {
    const { fanOut, write } = open(() => 'hang', { durability: 'quorum', ...replicas })
    const { lsn } = write()
    const refused = rejectionOf(fanOut.durable(lsn, Date.now() + 500))
    await settled()
    await pass(500)
    expect(await refused).toMatchObject({ slug: 'replication-timeout', status: 504 })
  })

  it('of a write that was given up is refused also when it is asked for again', async () => {
    const { fanOut, write, givenUp } = open(() => 'refuse', { durability: 'quorum', random: () => 0 })
    const { lsn } = write()
    const refused = rejectionOf(fanOut.durable(lsn, Date.now() + 2_000))
    await until(() => givenUp.length === 2, 'giving up')
    expect(await refused).toMatchObject({ slug: 'replication-timeout' })
    await settled()
    await expect(fanOut.durable(lsn, Date.now() + 2_000)).rejects.toMatchObject({ slug: 'replication-timeout', definite: false })
  })
})

interface Opened {
  readonly fanOut: FanOut
  readonly replicas: PlayedReplica[]
  readonly sleptMs: number[]
  readonly givenUp: string[]
  readonly write: () => ReturnType<ReplicatedList['commit']>
  readonly lines: (level: number) => Record<string, unknown>[]
}

interface OpenOptions {
  readonly durability?: Durability
  readonly random?: () => number
  /** One replica instead of two. */
  readonly only?: string
}

function open(play: (n: number, name: string) => Play, { durability = 'async', random = () => 0.5, only }: OpenOptions = {}): Opened {
  const names = only === undefined ? ['db2', 'db3'] : [only]
  const replicas = names.map((name) => playReplica(network, name, (n) => play(n, name)))
  const list = new ReplicatedList()
  list.beginEpoch(1)
  const { sleep, sleptMs } = recordedSleep()
  const givenUp: string[] = []
  const { log, lines: written } = recordingLog()
  const onGivenUp = (replica: string): void => void givenUp.push(replica)
  const fanOut = new FanOut({ list, replicas, durability, signer: new Signer(SECRET), log, onGivenUp, retryOptions: { random, sleep } })
  opened.push(fanOut)
  const write = (): ReturnType<ReplicatedList['commit']> => {
    const entry = list.commit({ type: 'insert', message: 'm', origin: 'DB1', atMs: Date.now() })
    fanOut.committed(entry)
    return entry
  }
  const lines = (level: number): Record<string, unknown>[] => written().filter((line) => line['level'] === level)
  return { fanOut, replicas, sleptMs, givenUp, write, lines }
}

function draws(...values: number[]): () => number {
  return () => values.shift() ?? 0
}
