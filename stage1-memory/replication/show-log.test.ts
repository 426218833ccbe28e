/** A look at a log: which entries a page has, where it begins when the log no longer keeps what was asked for, and who may look. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Mechanism } from '@relais/shared/store/store.ts'
import { MemoryCluster, type NodeName } from '../test/memory-cluster.ts'
import { ReplicatedList } from '../store/replicated-list.ts'
import { LOG_PATH, logPage, type LogPage } from './messages.ts'
import { pageOf } from './show-log.ts'
import { SIGNATURE, Signer } from './signature.ts'
import { readFileSync } from 'node:fs'

function listOf(entries: number, entriesKept?: number): ReplicatedList {
  const list = new ReplicatedList(entriesKept)
  list.beginEpoch(1)
  for (let n = 1; n <= entries; n++) list.commit({ type: 'insert', message: `message ${n}`, origin: 'DB1', atMs: n })
  return list
}
const lsnsOf = ({ entries }: LogPage): number[] => entries.map(([, lsn]) => lsn)

describe('a page of a log', () => {
  it('has the newest entries, in their order', () => {
    expect(lsnsOf(pageOf(listOf(7), 3))).toEqual([5, 6, 7])
    expect(lsnsOf(pageOf(listOf(2), 3))).toEqual([1, 2])
  })

  it('has what follows a position, as far as the limit goes', () => {
    expect(lsnsOf(pageOf(listOf(7), 3, 2))).toEqual([3, 4, 5])
    expect(lsnsOf(pageOf(listOf(7), 3, 7))).toEqual([])
    expect(lsnsOf(pageOf(listOf(7), 3, 90))).toEqual([])
  })

  it('begins where the log begins, and says so', () => {
    const page = pageOf(listOf(8, 4), 10, 0)
    expect(page.keptAfterLsn).toBe(4)
    expect(lsnsOf(page)).toEqual([5, 6, 7, 8])
  })

  it('of a list that came by snapshot has only what was written since; the epochs tell of the rest', () => {
    const recovered = new ReplicatedList()
    recovered.install(listOf(5).snapshot())
    recovered.beginEpoch(2)
    recovered.commit({ type: 'insert', message: 'new', origin: 'DB1', atMs: 9 })
    const page = pageOf(recovered, 10, 0)
    expect(lsnsOf(page)).toEqual([6])
    expect(page.epochs).toEqual([
      { epoch: 1, fromLsn: 1 },
      { epoch: 2, fromLsn: 6 },
    ])
  })
})

describe('GET /api/replicate/log', () => {
  it('shows the same entries at the primary and at a replica', async () => {
    const { ask, write, level } = await cluster()
    await write(3)
    await level()
    const [upper, lower] = await Promise.all((['db1', 'db2'] as const).map(async (name) => logPage.parse(await (await ask(name)).json())))
    expect(lsnsOf(upper!)).toEqual([1, 2, 3])
    expect(lower!.entries).toEqual(upper!.entries)
  })

  it('is for nodes of the cluster only, and refuses what is no number', async () => {
    const { ask, askUnsigned } = await cluster()
    expect((await askUnsigned('db1')).status).toBe(401)
    for (const query of ['?limit=0', '?limit=1001', '?after=-1', '?after=x']) expect((await ask('db1', query)).status).toBe(400)
  })

  it('tells that a fan-out replica keeps none', async () => {
    const { ask } = await cluster('fan-out')
    const answer = await ask('db2')
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ detail: 'a fan-out replica keeps no log' })
    expect((await ask('db1')).status).toBe(200)
  })
})

async function cluster(mechanism: Mechanism = 'log') {
  const made = await MemoryCluster.start({ RELAIS_REPLICATION: mechanism })
  onTestFinished(() => made.close())
  const signer = new Signer(readFileSync(made.secretFile, 'utf8'))
  const get = (name: NodeName, path: string, headers: Record<string, string>) => made.node(name).service.request(path, { headers })
  return {
    ask: (name: NodeName, query = '') => {
      const path = LOG_PATH + query
      return get(name, path, { [SIGNATURE]: signer.sign({ method: 'GET', path, body: '' }) })
    },
    askUnsigned: (name: NodeName) => get(name, LOG_PATH, {}),
    write: async (count: number) => {
      for (let n = 1; n <= count; n++) await made.node('db1').store.insert(`message ${n}`, { deadlineMs: Date.now() + 10_000 })
    },
    level: async () => {
      const position = (await made.node('db1').store.page({ limit: 1 })).position
      expect(await made.node('db2').store.reach(position, 10_000)).toBe(true)
    },
  }
}
