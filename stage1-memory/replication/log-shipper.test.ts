/** The link to one replica that msw plays, in virtual time: it slows down but never gives up, and goes on where the replica says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { http, HttpResponse } from 'msw'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '@relais/shared/http/problem.ts'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { ReplicatedList } from '../store/replicated-list.ts'
import { playNetwork, playReplica, problem, SECRET, type Play, type PlayedReplica } from '../test/played-replica.ts'
import { messageIn } from '../test/message-in.ts'
import { pass, recordedSleep, settled, until, useVirtualTime } from '../test/virtual-time.ts'
import { BatchCache } from './batch-cache.ts'
import { LogShipper, type Linger } from './log-shipper.ts'
import type { Message } from './messages.ts'
import { ReplicaNode } from './replica-node.ts'
import { Signer } from './signature.ts'

const CALL_DEADLINE_MS = 2_000
const BASE_MS = 50
const CAP_MS = 1_000

const network = playNetwork()
const opened: LogShipper[] = []
const dataDir = mkdtempSync(join(tmpdir(), 'relais-shipper-'))

beforeAll(() => network.enable())
afterAll(() => {
  network.disable()
  rmSync(dataDir, { recursive: true, force: true })
})
beforeEach(() => useVirtualTime())
afterEach(() => {
  for (const shipper of opened.splice(0)) shipper.stop()
  network.resetHandlers()
  vi.useRealTimers()
})

describe('log shipping to one replica', () => {
  it('asks where the replica is, then sends what it lacks, each call signed by the cluster', async () => {
    const { db2, list, write, node, acknowledged } = open()
    write(3)
    await level(node, list)
    expect(db2.attempts[0]!.message).toMatchObject({ kind: 'batch', entries: [], previous: { epoch: 1, lsn: 3 } })
    expect(db2.attempts[1]!.message).toMatchObject({ kind: 'batch', previous: { epoch: 0, lsn: 0 }, headLsn: 3 })
    expect(db2.attempts.every(({ isGenuine }) => isGenuine)).toBe(true)
    await until(() => acknowledged.at(-1) === 3, 'the acknowledgement')
  })

  it.each<[string, Play]>([
    ['refuses', 'refuse'],
    ['answers 500', problem(500)],
    ['answers 401', problem(401)],
    ['answers 200 with something else', { status: 200, body: 'yes' }],
    ['answers 409 with something else', problem(409, { reason: 'mood' })],
  ])('goes on after exactly the delays drawn when the replica %s for a while', async (_, play) => {
    const random = draws(0.5, 0.25, 0.75)
    const { node, list, write, sleptMs, db2 } = open({ play: (n) => (n <= 3 ? play : 'serve'), random })
    write(1)
    for (const [index, expectedMs] of [0.5 * BASE_MS, 0.25 * 2 * BASE_MS, 0.75 * 4 * BASE_MS].entries()) {
      await until(() => sleptMs.length === index + 1, `sleep ${index + 1}`)
      expect(sleptMs[index]).toBe(expectedMs)
      await pass(expectedMs - 1)
      expect(db2.attempts).toHaveLength(index + 1)
      await pass(1)
      await until(() => db2.attempts.length > index + 1, `attempt ${index + 2}`)
    }
    await level(node, list)
    expect(sleptMs).toHaveLength(3)
  })

  it('never gives up: a hundred failures later the delays are at their cap, and the replica still gets everything', async () => {
    const { shipper, node, list, write, sleptMs } = open({ play: (n) => (n <= 100 ? 'refuse' : 'serve'), random: () => 0.999 })
    write(5)
    for (let n = 1; n <= 100; n++) {
      await until(() => sleptMs.length === n, `sleep ${n}`)
      expect(shipper.status()).toMatchObject({ state: 'unreachable', position: null, lagRecords: null })
      await pass(sleptMs[n - 1]!)
    }
    expect(sleptMs.map((delayMs) => Math.round(delayMs / 0.999)).slice(0, 7)).toEqual([50, 100, 200, 400, 800, 1_000, 1_000])
    expect(Math.max(...sleptMs)).toBeLessThan(CAP_MS)
    expect(shipper.failedAttempts).toBe(100)
    await level(node, list)
    await until(() => shipper.status().state === 'streaming', 'streaming')
  })

  it('leaves a replica that hangs at the deadline of the call, not before', async () => {
    const { shipper, sleptMs, db2, node, list, write } = open({ play: (n) => (n === 1 ? 'hang' : 'serve'), random: () => 0 })
    write(1)
    await until(() => db2.attempts.length === 1, 'the call')
    await pass(CALL_DEADLINE_MS - 1)
    expect(shipper.failedAttempts).toBe(0)
    await pass(1)
    await until(() => sleptMs.length === 1, 'the failure')
    await level(node, list)
  })

  it('does not count a replica that hangs as reachable', async () => {
    const { shipper, db2, node, list, write } = open({ play: () => (isHanging ? 'hang' : 'serve'), random: () => 0 })
    let isHanging = false
    write(1)
    await level(node, list)
    await until(() => shipper.isReachable, 'being reachable')
    isHanging = true
    const attempts = db2.attempts.length
    write(1)
    await pass(50)
    await until(() => db2.attempts.length > attempts, 'the call that hangs')
    expect(shipper.isReachable).toBe(true)
    await pass(CALL_DEADLINE_MS)
    await until(() => !shipper.isReachable, 'being unreachable')
    isHanging = false
    await pass(CALL_DEADLINE_MS)
    await level(node, list)
    await until(() => shipper.isReachable, 'being reachable again')
  })

  it('repeats nothing into the list of a replica that applied a batch and did not answer in time', async () => {
    const { db2, node, list, write, sleptMs, acknowledged } = open({ play: (n) => (n === 2 ? 'serve and hang' : 'serve'), random: () => 0 })
    write(3)
    await until(() => db2.attempts.length === 2, 'the batch')
    expect(node().records.size).toBe(3)
    expect(acknowledged).toEqual([])
    await pass(CALL_DEADLINE_MS)
    await until(() => sleptMs.length === 1, 'the failure')
    await until(() => acknowledged.includes(3), 'the acknowledgement')
    expect(node().records.toArray()).toEqual(list.records.toArray())
    expect(db2.attempts[2]!.message).toMatchObject({ kind: 'batch', entries: [] })
  })

  it('sends a heartbeat when there is nothing to send, twice a second', async () => {
    const { db2, node, list, write } = open()
    write(1)
    await level(node, list)
    const before = db2.attempts.length
    for (let beats = 1; beats <= 6; beats++) await pass(500)
    const sent = db2.attempts.slice(before).map(({ message }) => message)
    expect(sent.length).toBeGreaterThanOrEqual(4)
    expect(sent.length).toBeLessThanOrEqual(7)
    expect(sent.every((message) => message.kind === 'batch' && message.entries.length === 0)).toBe(true)
  })

  it('lets an asynchronous batch wait for company, and a synchronous one not', async () => {
    const sent: number[] = []
    for (const lingerMs of [20, 0]) {
      const { db2, node, list, write } = open({ linger: { minMs: lingerMs, maxMs: lingerMs } })
      write(1)
      await level(node, list)
      await pass(100)
      const before = db2.attempts.length
      for (let n = 0; n < 4; n++) {
        write(1)
        await pass(4)
      }
      await pass(100)
      await level(node, list)
      const batches = db2.attempts.slice(before).filter(({ message }) => message.kind === 'batch' && message.entries.length > 0)
      sent.push(batches.length)
    }
    expect(sent[0]).toBeLessThan(4)
    expect(sent[1]).toBe(4)
  })

  it('sends fewer batches to a replica that takes long to answer, each waiting within the bound', async () => {
    const sent: number[] = []
    for (const answerMs of [0, 10]) {
      const { db2, node, list, write } = open({ linger: { minMs: 5, maxMs: 100 } })
      db2.answersAfterMs = answerMs
      write(1)
      await level(node, list)
      const before = db2.attempts.length
      for (let n = 0; n < 100; n++) {
        write(1)
        await pass(5)
      }
      await pass(200)
      await level(node, list)
      sent.push(db2.attempts.slice(before).filter(({ message }) => message.kind === 'batch' && message.entries.length > 0).length)
    }
    expect(sent[0]).toBeGreaterThan(40)
    // 500 ms of writes, a batch each 100 ms: the longest that it may wait.
    expect(sent[1]).toBeGreaterThanOrEqual(4)
    expect(sent[1]).toBeLessThan(10)
  })

  it('goes back to where a replica that restarted empty says it is', async () => {
    const seen: string[] = []
    const { shipper, node, list, write, restart, acknowledged } = open({ play: () => (seen.push(shipper.status().state), 'serve') })
    write(5)
    await level(node, list)
    await until(() => shipper.status().state === 'streaming', 'streaming')
    const before = seen.length
    restart()
    write(1)
    await pass(50)
    await level(node, list)
    expect(node().records.toArray()).toEqual(list.records.toArray())
    await until(() => acknowledged.at(-1) === 6, 'the acknowledgement')
    expect(seen.slice(before, before + 2)).toEqual(['streaming', 'catching-up'])
  })

  it('brings a replica that the log no longer reaches back by a snapshot, and on from there', async () => {
    const { shipper, node, list, write, restart } = open({ entriesKept: 4 })
    write(3)
    await level(node, list)
    restart()
    write(20)
    await pass(50)
    await level(node, list)
    expect(shipper.snapshotsSent).toBe(1)
    await until(() => node().notReadyBecause() === undefined, 'the word that it is level')
    write(2)
    await pass(50)
    await level(node, list)
    expect(shipper.snapshotsSent).toBe(1)
    expect(node().records.toArray()).toEqual(list.records.toArray())
  })

  it('calls a replica catching up, batch after batch, until it has confirmed where the log ended', async () => {
    const seen: string[] = []
    const { shipper, write } = open({
      entriesPerBatch: 2,
      play: () => {
        const { state, position } = shipper.status()
        seen.push(`${state} ${position}`)
        return 'serve'
      },
    })
    write(5)
    await until(() => shipper.status().state === 'streaming', 'streaming')
    expect(shipper.status().position).toBe('1:5')
    expect(seen).toEqual(['unreachable null', 'catching-up null', 'catching-up 1:2', 'catching-up 1:4'])
  })

  it('takes back what a replica had confirmed as soon as that one says that it is empty, and not when it has caught up', async () => {
    let isStopped = false
    const { shipper, node, list, write, restart, acknowledged } = open({
      entriesKept: 4,
      play: (_n, message) => (isStopped && message.kind === 'snapshot' ? 'hang' : 'serve'),
    })
    write(20)
    await level(node, list)
    await until(() => acknowledged.at(-1) === 20, 'the confirmation')
    restart()
    isStopped = true
    write(1)
    await pass(50)
    await until(() => shipper.snapshotsSent > 0, 'the snapshot')
    expect(acknowledged.at(-1)).toBe(0)
    expect(shipper.status()).toMatchObject({ state: 'catching-up', position: '0:0', lagRecords: 21 })
  })

  it('says since when a replica is behind, from the first write that it lacks, and nothing of it once it is level', async () => {
    let isHanging = false
    const { shipper, node, list, write } = open({ play: () => (isHanging ? 'hang' : 'serve'), random: () => 0 })
    write(1)
    await level(node, list)
    await until(() => shipper.status().state === 'streaming', 'streaming')
    expect(shipper.status()).toMatchObject({ lagRecords: 0, lagMs: 0 })
    isHanging = true
    write(1)
    await pass(700)
    write(1)
    await pass(300)
    expect(shipper.status()).toMatchObject({ state: 'streaming', position: '1:1', lagRecords: 2, lagMs: 1_000 })
    isHanging = false
    await pass(CALL_DEADLINE_MS)
    await level(node, list)
    await until(() => shipper.status().lagRecords === 0, 'the confirmation')
    await pass(400)
    isHanging = true
    write(1)
    await pass(100)
    expect(shipper.status()).toMatchObject({ lagRecords: 1, lagMs: 100 })
  })

  it('counts a replica under constant writing as behind since its last batch, and not since the first one', async () => {
    const { shipper, db2, node, list, write } = open()
    write(1)
    await level(node, list)
    db2.answersAfterMs = 100
    const lagsMs: (number | null)[] = []
    for (let n = 0; n < 60; n++) {
      write(1)
      await pass(50)
      lagsMs.push(shipper.status().lagMs)
    }
    expect(Math.max(...lagsMs.map(Number))).toBeGreaterThanOrEqual(100)
    expect(Math.max(...lagsMs.map(Number))).toBeLessThanOrEqual(1_000)
  })

  it('counts no confirmation of somebody who only holds the port of the replica', async () => {
    const { shipper, list, node, write, acknowledged } = open()
    write(1)
    await level(node, list)
    await until(() => acknowledged.at(-1) === 1, 'the confirmation')
    network.use(http.post('http://db2.test:18000/api/replicate', () => HttpResponse.json({ position: { epoch: 1, lsn: 2 } })))
    write(1)
    await pass(50)
    await until(() => !shipper.isReachable, 'the doubt')
    expect(acknowledged.at(-1)).toBe(1)
  })

  it('begins a snapshot again with a replica that went away in the middle of it', async () => {
    const { shipper, node, list, write, restart, sleptMs } = open({
      entriesKept: 4,
      random: () => 0,
      play: (_n, message) => (message.kind === 'snapshot' && message.part === 1 && shipper.snapshotsSent === 1 ? 'refuse' : 'serve'),
    })
    write(3)
    await level(node, list)
    restart()
    write(20)
    await pass(50)
    await until(() => sleptMs.length > 0, 'the failure')
    await level(node, list)
    expect(shipper.snapshotsSent).toBe(2)
  })

  it('replaces what a replica wrote in another history by the primary’s', async () => {
    const { shipper, node, list, write } = open({
      epoch: 3,
      begun: (replica) => {
        const other = new ReplicatedList()
        other.beginEpoch(2)
        for (let n = 0; n < 3; n++) other.commit({ type: 'insert', message: 'other', origin: 'DB1', atMs: 1 })
        replica.take(messageIn(new BatchCache(other).after(0)!))
      },
    })
    write(5)
    await level(node, list)
    expect(node().records.toArray()).toEqual(list.records.toArray())
    expect(shipper.snapshotsSent).toBe(1)
  })

  it('does nothing to a replica that follows a newer primary, however often it asks', async () => {
    const newer = new ReplicatedList()
    newer.beginEpoch(9)
    newer.commit({ type: 'insert', message: 'newer', origin: 'DB1', atMs: 1 })
    const { shipper, node, write, sleptMs } = open({ begun: (replica) => void replica.take(messageIn(new BatchCache(newer).after(0)!)) })
    write(3)
    for (let n = 1; n <= 5; n++) {
      await until(() => sleptMs.length >= n, `refusal ${n}`)
      await pass(sleptMs[n - 1]!)
    }
    expect(node().records.toArray()).toEqual(newer.records.toArray())
    expect(shipper.isReachable).toBe(false)
  })

  it('finishes without lingering when the replica has the whole list', async () => {
    const { shipper, node, list, write } = open({ linger: { minMs: 60_000, maxMs: 60_000 } })
    write(1)
    await level(node, list)
    await until(() => shipper.status().state === 'streaming', 'streaming')
    write(1)
    await settled()
    expect(node().list.log.lsn).toBe(1)
    await shipper.finish()
    expect(node().list.log.lsn).toBe(2)
  })

  it('finishes at once when the replica cannot be reached, and when it turns out so', async () => {
    let isHanging = false
    const { shipper, node, list, write } = open({ play: () => (isHanging ? 'hang' : 'serve') })
    await shipper.finish()
    write(1)
    await level(node, list)
    await until(() => shipper.status().state === 'streaming', 'streaming')
    isHanging = true
    write(1)
    let isFinished = false
    void shipper.finish().then(() => (isFinished = true))
    await settled()
    expect(isFinished).toBe(false)
    await pass(CALL_DEADLINE_MS)
    await until(() => isFinished, 'the end')
    expect(node().list.log.lsn).toBe(1)
  })

  it('ends when it is stopped, in the middle of a wait as well', async () => {
    const { shipper, db2, write, sleptMs } = open({ play: () => 'refuse' })
    write(1)
    await until(() => sleptMs.length === 1, 'the sleep')
    shipper.stop()
    const attempts = db2.attempts.length
    write(1)
    await pass(60_000)
    expect(db2.attempts).toHaveLength(attempts)
  })
})

interface OpenOptions {
  /** `serve` lets a real replica answer; otherwise as `played-replica.ts` has it. */
  readonly play?: (n: number, message: Message) => Play | 'serve' | 'serve and hang'
  readonly random?: () => number
  readonly linger?: Linger
  readonly entriesKept?: number
  readonly entriesPerBatch?: number
  readonly epoch?: number
  readonly begun?: (replica: ReplicaNode) => void
}

interface Opened {
  readonly shipper: LogShipper
  readonly db2: PlayedReplica
  readonly list: ReplicatedList
  readonly node: () => ReplicaNode
  readonly restart: () => void
  readonly write: (count: number) => void
  readonly sleptMs: number[]
  readonly acknowledged: number[]
}

/** The shipper is started by the first write, so that a test can arrange things before. */
function open({
  play = () => 'serve',
  random = () => 0.5,
  linger = { minMs: 0, maxMs: 0 },
  entriesKept,
  entriesPerBatch,
  epoch = 1,
  begun,
}: OpenOptions = {}): Opened {
  let node = emptyReplica()
  begun?.(node)
  const db2 = playReplica(network, 'db2', (n, message) => {
    const played = play(n, message)
    if (played !== 'serve' && played !== 'serve and hang') return played
    const answer = serve(node, message)
    return played === 'serve' ? answer : 'hang'
  })
  const list = new ReplicatedList(entriesKept)
  list.beginEpoch(epoch)
  const { sleep, sleptMs } = recordedSleep()
  const acknowledged: number[] = []
  const shipper = new LogShipper({
    list,
    batches: new BatchCache(list, entriesPerBatch),
    replica: db2,
    signer: new Signer(SECRET),
    log: SILENT_LOG,
    linger,
    acknowledge: (lsn) => acknowledged.push(lsn),
    retryOptions: { random, sleep },
  })
  opened.push(shipper)
  let isStarted = false
  const write = (count: number): void => {
    for (let n = 0; n < count; n++) list.commit({ type: 'insert', message: `message ${list.log.lsn + 1}`, origin: 'DB1', atMs: Date.now() })
    if (isStarted) return shipper.wake()
    isStarted = true
    shipper.start()
  }
  const restart = (): void => void (node = emptyReplica())
  return { shipper, db2, list, node: () => node, restart, write, sleptMs, acknowledged }
}

function emptyReplica(): ReplicaNode {
  return new ReplicaNode({ mechanism: 'log', primaryName: 'db1', dataDir, log: SILENT_LOG })
}

function serve(node: ReplicaNode, message: Message): Play {
  try {
    return { status: 200, body: { position: { ...node.take(message) } } }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return problem(error.status, error.members as Record<string, string>)
  }
}

/** Without moving the clock more than a linger takes, the replica holds what the primary does. */
async function level(node: () => ReplicaNode, list: ReplicatedList): Promise<void> {
  await settled()
  for (let step = 0; step < 20 && node().list.log.lsn < list.log.lsn; step++) await pass(5)
  await until(() => node().list.log.lsn === list.log.lsn, 'being level')
}

function draws(...values: number[]): () => number {
  return () => values.shift() ?? 0
}
