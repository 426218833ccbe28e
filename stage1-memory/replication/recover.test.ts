/** An empty primary's start with replicas that msw plays, in virtual time: whom it waits for, whom it believes, and what it numbers next. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { http, HttpResponse } from 'msw'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import type { Durability } from '@relais/shared/store/store.ts'
import { ReplicatedList } from '../store/replicated-list.ts'
import { playNetwork, SECRET, signedAnswer } from '../test/played-replica.ts'
import { pass, until, useVirtualTime } from '../test/virtual-time.ts'
import { REPLICATE_PATH } from './messages.ts'
import { beginWithoutAsking, recover } from './recover.ts'
import { SIGNATURE, Signer } from './signature.ts'
import { cutSnapshot } from './snapshot.ts'

const network = playNetwork()
let dataDir: string

beforeAll(() => network.enable())
afterAll(() => network.disable())
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'relais-recover-'))
  useVirtualTime()
})
afterEach(() => {
  network.resetHandlers()
  vi.useRealTimers()
  rmSync(dataDir, { recursive: true, force: true })
})

describe('an empty primary', () => {
  it('among empty replicas begins empty, in the first epoch', async () => {
    play('db2', new ReplicatedList())
    play('db3', new ReplicatedList())
    const { list, done } = begin('async')
    await done
    expect(list.position).toEqual({ epoch: 1, lsn: 0 })
    expect(readFileSync(join(dataDir, 'epoch'), 'utf8')).toBe('1\n')
  })

  it('takes over the most advanced replica’s list, goes on with its numbers, in an epoch above all', async () => {
    play('db2', listOf(1, 5))
    play('db3', listOf(1, 7))
    const { list, done } = begin('async')
    await done
    expect(list.position).toEqual({ epoch: 2, lsn: 7 })
    expect([list.records.size, list.nextId]).toEqual([7, 8])
    expect(list.commit({ type: 'insert', message: 'm', origin: 'DB1', atMs: 1 })).toMatchObject({ epoch: 2, lsn: 8, id: 8 })
  })

  it('believes a shorter list of a newer epoch rather than a longer one of an older', async () => {
    play('db2', listOf(1, 9))
    play('db3', listOf(4, 1))
    const { list, done } = begin('quorum')
    await done
    expect(list.records.size).toBe(1)
    expect(list.position.epoch).toBe(5)
  })

  it('recovers the keys with the list, so that a repeat still has one effect', async () => {
    play('db2', listOf(1, 3))
    play('db3', new ReplicatedList())
    const { list, done } = begin('async')
    await done
    expect(list.keys.get('key 3', Date.now())).toMatchObject({ id: 3, lsn: 3 })
  })

  it('never uses an epoch twice, also when no replica remembers it', async () => {
    play('db2', new ReplicatedList())
    play('db3', new ReplicatedList())
    writeFileSync(join(dataDir, 'epoch'), '41\n')
    const { list, done } = begin('async')
    await done
    expect(list.position.epoch).toBe(42)
    const next = new ReplicatedList()
    await beginWithoutAsking(next, dataDir)
    expect(next.position.epoch).toBe(43)
  })

  it('is not led astray by an epoch file that holds something else', async () => {
    play('db2', listOf(3, 1))
    play('db3', new ReplicatedList())
    writeFileSync(join(dataDir, 'epoch'), 'NaN\n')
    const { list, done } = begin('async')
    await done
    expect(list.position.epoch).toBe(4)
  })

  it('does not begin while its epoch file cannot be read: the epoch in it would come again', async () => {
    play('db2', new ReplicatedList())
    play('db3', new ReplicatedList())
    mkdirSync(join(dataDir, 'epoch'))
    const { list, done } = begin('async')
    await expect(done).rejects.toMatchObject({ code: 'EISDIR', syscall: 'read' })
    const alone = new ReplicatedList()
    await expect(beginWithoutAsking(alone, dataDir)).rejects.toMatchObject({ code: 'EISDIR', syscall: 'read' })
    for (const one of [list, alone]) expect(one.position).toEqual({ epoch: 0, lsn: 0 })
  })

  it('does not begin before its epoch is written down: after the next start it would come again', async () => {
    play('db2', new ReplicatedList())
    play('db3', new ReplicatedList())
    mkdirSync(join(dataDir, 'epoch.new'))
    const { list, done } = begin('async')
    await expect(done).rejects.toMatchObject({ code: 'EISDIR', syscall: 'open' })
    const alone = new ReplicatedList()
    await expect(beginWithoutAsking(alone, dataDir)).rejects.toMatchObject({ code: 'EISDIR', syscall: 'open' })
    for (const one of [list, alone]) expect(one.position).toEqual({ epoch: 0, lsn: 0 })
  })

  it('asks under the cluster’s signature', async () => {
    const asked = play('db2', listOf(1, 2))
    play('db3', new ReplicatedList())
    await begin('async').done
    expect(asked.map(({ path }) => path)).toEqual([
      REPLICATE_PATH,
      ...asked.slice(1).map((_, part) => `${REPLICATE_PATH}/snapshot?part=${part}`),
    ])
    expect(asked.every(({ isGenuine }) => isGenuine)).toBe(true)
  })

  it('believes nobody who only holds the port of a replica', async () => {
    let isImpostor = true
    play('db2', listOf(1, 4))
    play('db3', listOf(1, 4))
    network.use(
      http.get(urlOf('db3') + REPLICATE_PATH, () => {
        const position = { epoch: 99, lsn: 1 }
        return isImpostor ? HttpResponse.json({ position, last: position, isWhole: true, wasLevel: true }) : undefined
      }),
    )
    const { list, done, waiting } = begin('quorum')
    await askedAgain(waiting)
    expect(waiting.at(-1)).toBe('an empty primary waits to hear what db3 holds')
    isImpostor = false
    await done
    expect(list.position.epoch).toBe(2)
  })

  it('waits for a replica that does not answer, says so, and takes over what it holds when it does', async () => {
    let isSilent = true
    play('db2', new ReplicatedList())
    play('db3', listOf(1, 4), () => isSilent)
    const { list, done, waiting } = begin('async')
    await until(() => waiting.length > 0, 'the reason')
    expect(waiting[0]).toBe('an empty primary waits to hear what db3 holds')
    isSilent = false
    await done
    expect(list.records.size).toBe(4)
  })

  it.each<Durability>(['async', 'all'])('with %s durability begins after five seconds without one replica', async (durability) => {
    play('db2', listOf(1, 4))
    play('db3', listOf(1, 9), () => true)
    const { list, done, state, waiting } = begin(durability)
    await pass(4_000)
    await askedAgain(waiting)
    expect(state()).toBe('waiting')
    await pass(2_000)
    await done
    expect(list.records.size).toBe(4)
  })

  it.each<[string, number, Durability]>([
    ['is empty', 0, 'all'],
    ['is being brought up to date', 4, 'all'],
    ['is empty', 0, 'async'],
    ['is being brought up to date', 4, 'async'],
  ])(
    'never begins on the word of a replica alone that %s (%i records, %s): what was acknowledged may be with the silent one',
    async (_, records, durability) => {
      let isSilent = true
      writeFileSync(join(dataDir, 'epoch'), '1\n')
      play('db2', records === 0 ? new ReplicatedList() : listOf(1, records), undefined, false)
      play('db3', listOf(1, 9), () => isSilent)
      const { list, done, state, waiting } = begin(durability)
      await pass(600_000)
      await askedAgain(waiting)
      expect(state()).toBe('waiting')
      isSilent = false
      await done
      expect(list.records.size).toBe(9)
    },
  )

  it.each<[string, ReplicatedList, string, string]>([
    ['no epoch was ever begun', new ReplicatedList(), '', 'begun'],
    ['the replica knows of an epoch', listOf(1, 0), '', 'waiting'],
    ['the file knows of an epoch', new ReplicatedList(), '1\n', 'waiting'],
  ])('with async durability and one empty replica, where %s: $3', async (_, held, epochInFile, expected) => {
    if (epochInFile !== '') writeFileSync(join(dataDir, 'epoch'), epochInFile)
    let isSilent = true
    play('db2', held, undefined, false)
    play('db3', new ReplicatedList(), () => isSilent)
    const { done, state, waiting } = begin('async')
    await askedAgain(waiting)
    await pass(6_000)
    if (expected === 'begun') await done
    else await askedAgain(waiting)
    expect(state()).toBe(expected)
    isSilent = false
    await done
  })

  it('with quorum durability never begins without one replica: the only confirmation may be there', async () => {
    play('db2', listOf(1, 4))
    play('db3', listOf(1, 9), () => true)
    const stopped = new AbortController()
    const { done, state, waiting } = begin('quorum', stopped.signal)
    await pass(600_000)
    await askedAgain(waiting)
    expect(state()).toBe('waiting')
    stopped.abort(new Error('stopped'))
    await expect(done).rejects.toThrow('aborted')
  })

  it('does not begin as long as nobody answers', async () => {
    play('db2', listOf(1, 4), () => true)
    play('db3', listOf(1, 9), () => true)
    const stopped = new AbortController()
    const { done, state, waiting } = begin('async', stopped.signal)
    await pass(60_000)
    await askedAgain(waiting)
    expect(state()).toBe('waiting')
    expect(waiting.at(-1)).toBe('an empty primary waits to hear what db2 and db3 hold')
    stopped.abort(new Error('stopped'))
    await expect(done).rejects.toThrow('aborted')
  })

  it('fetches the list from another replica that holds the same when the first one does not give it', async () => {
    play('db2', listOf(1, 4))
    play('db3', listOf(1, 4))
    network.use(http.get(`${urlOf('db2')}${REPLICATE_PATH}/snapshot`, ({ request }) => signedAnswer(request, 503, {})))
    const { list, done } = begin('async')
    await done
    expect(list.records.size).toBe(4)
  })

  it('does not take the emptiness of a replica that restarted meanwhile for the list it had said it holds', async () => {
    const lists = [listOf(1, 4), new ReplicatedList()]
    play('db2', () => lists[0]!)
    play('db3', listOf(1, 3))
    const { list, done } = begin('async', undefined, () => lists.shift())
    await expect(done).rejects.toMatchObject({ name: 'NodeCallError' })
    expect(list.position).toEqual({ epoch: 0, lsn: 0 })
  })
})

interface Begun {
  readonly list: ReplicatedList
  readonly done: Promise<void>
  readonly waiting: string[]
  readonly state: () => string
}

function begin(durability: Durability, signal?: AbortSignal, onWaiting?: () => unknown): Begun {
  const list = new ReplicatedList()
  const waiting: string[] = []
  let state = 'waiting'
  const done = recover({
    list,
    replicas: ['db2', 'db3'].map((name) => ({ name, url: urlOf(name) })),
    durability,
    dataDir,
    signer: new Signer(SECRET),
    log: SILENT_LOG,
    onWaiting: (reason) => {
      waiting.push(reason)
      onWaiting?.()
    },
    ...(signal && { signal }),
  })
  done.then(
    () => (state = 'begun'),
    () => (state = 'failed'),
  )
  return { list, done, waiting, state: () => state }
}

interface AskedPath {
  readonly path: string
  readonly isGenuine: boolean
}

/** msw plays a replica that holds `held`; a list that is not empty was level, unless it is said to be on its way. */
function play(name: string, held: ReplicatedList | (() => ReplicatedList), isSilent = () => false, wasLevel = true): AskedPath[] {
  const asked: AskedPath[] = []
  const signer = new Signer(SECRET)
  const note = (request: Request): void => {
    const { pathname, search } = new URL(request.url)
    const path = pathname + search
    asked.push({ path, isGenuine: signer.isGenuine(request.headers.get(SIGNATURE) ?? undefined, { method: 'GET', path, body: '' }) })
  }
  const list = typeof held === 'function' ? held : () => held
  network.use(
    http.get(urlOf(name) + REPLICATE_PATH, ({ request }) => {
      note(request)
      if (isSilent()) return HttpResponse.error()
      const { position, last, isWhole } = list()
      return signedAnswer(request, 200, { position: { ...position }, last: { ...last }, isWhole, wasLevel: wasLevel && last.lsn > 0 })
    }),
    http.get(`${urlOf(name)}${REPLICATE_PATH}/snapshot`, ({ request }) => {
      note(request)
      const part = cutSnapshot(list().snapshot())[Number(new URL(request.url).searchParams.get('part'))]
      return part ? signedAnswer(request, 200, JSON.parse(JSON.stringify(part)) as Record<string, string>) : signedAnswer(request, 400, {})
    }),
  )
  return asked
}

function urlOf(name: string): string {
  return `http://${name}.test:18000`
}

function listOf(epoch: number, records: number): ReplicatedList {
  const list = new ReplicatedList()
  list.beginEpoch(epoch)
  for (let n = 1; n <= records; n++) list.commit({ type: 'insert', message: `m ${n}`, origin: 'DB1', atMs: Date.now(), key: `key ${n}` })
  return list
}

/** Two more rounds of asking; the pause between them is real. */
async function askedAgain(waiting: readonly string[]): Promise<void> {
  const before = waiting.length
  await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(before + 1), { timeout: 10_000, interval: 1 })
}
