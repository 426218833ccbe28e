/** Data that is gone on one server and still there on another: nothing starts over it, and nothing is removed that may be the only copy. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ClusterNode } from '../cluster/cluster.ts'
import { keepServer } from '../cluster/keep-server.ts'
import { prepareCluster } from '../cluster/prepare-cluster.ts'
import { prepareServer } from '../cluster/prepare-server.ts'
import { ready, signalServer } from '../cluster/server.ts'
import { rebuildReason, type AskLater } from '../cluster/standby.ts'
import { eventually, PostgresCluster, withProgram, type NodeName } from './postgres-cluster.ts'

const README = new URL('../README.md', import.meta.url)
const NAMES: readonly NodeName[] = ['db1', 'db2', 'db3']
let cluster: PostgresCluster
let db1: ClusterNode
let db2: ClusterNode

beforeAll(async () => {
  cluster = await PostgresCluster.start({ durability: 'all' })
  db1 = cluster.node('db1')
  db2 = cluster.node('db2')
})
afterAll(() => cluster.close())
beforeEach(() => void cluster.progress.splice(0))

const prepare = (options: { fresh?: boolean } = {}): Promise<unknown> => {
  const nodes = cluster.cluster.nodes.map(({ name, port, role }) => ({ name, port, role }))
  return prepareCluster({ dir: cluster.dir, nodes, onProgress: (message) => cluster.progress.push(message), ...options })
}
const write = (message: string): Promise<unknown> => cluster.service('db1').store.insert(message, { deadlineMs: Date.now() + 10_000 })
const messagesOf = async (name: NodeName): Promise<string[]> =>
  (await cluster.sql(name, 'readonly', (sql) => sql<{ message: string }[]>`SELECT message FROM records ORDER BY id`)).map(
    ({ message }) => message,
  )
const keptOf = ({ directory }: ClusterNode): string[] => readdirSync(directory).filter((name) => name.startsWith('data.before-'))

async function stopAll(): Promise<void> {
  for (const name of NAMES) await cluster.stopServer(name)
}
async function startAll(): Promise<void> {
  for (const name of NAMES) await cluster.startServer(name)
  for (const name of NAMES) await cluster.serviceReady(name)
  await cluster.streaming('db2', 'db3')
}

/** As `up` does: a keeper for each server, and none waits for another. Ended with the work. */
async function whileKept(names: readonly NodeName[], work: (said: readonly string[]) => Promise<void>): Promise<string[]> {
  const end = new AbortController()
  const said: string[] = []
  const kept = Promise.all(
    names.map((name) =>
      keepServer({
        node: cluster.node(name),
        durability: 'all',
        onProgress: (message) => said.push(message),
        onLine: () => {},
        signal: end.signal,
      }),
    ),
  )
  kept.catch(() => {})
  try {
    await Promise.race([work(said), kept])
  } finally {
    end.abort()
    await kept
  }
  return said
}

/** db1's directory is put back as it was before the last writes, which its standbys have. All are stopped then. */
async function putOlderPrimaryBack(message: string): Promise<void> {
  await stopAll()
  const older = `${db1.directory}-older`
  execFileSync('cp', ['-a', db1.directory, older])
  await startAll()
  await cluster.setDurability('all')
  await write(message)
  // More WAL than the older copy writes by being started.
  await cluster.sql('db1', 'admin', (sql) => sql`SELECT pg_logical_emit_message(false, 'filler', repeat('x', 900000))`)
  await stopAll()
  rmSync(db1.directory, { recursive: true })
  renameSync(older, db1.directory)
}

describe('a primary whose data is gone', () => {
  it('is not made anew while a standby has its copy: nothing is touched, and what was acknowledged is there once it is back', async () => {
    await write('under all')
    await stopAll()
    const away = `${db1.directory}-away`
    renameSync(db1.directory, away)
    const refused = prepare()
    await expect(refused).rejects.toThrow(
      `found no data in ${db1.dataDir}, expected the primary's, because db2 still has its copy (${db2.dataDir}), db3`,
    )
    await expect(refused).rejects.toThrow(/Put .*db1 back as it was, .*`--fresh` throws everything away/)
    await expect(prepareServer(db1)).rejects.toThrow(/db2 still has its copy/)
    expect(existsSync(db1.directory)).toBe(false)
    for (const name of ['db2', 'db3'] as const) {
      expect(readdirSync(cluster.node(name).directory)).toEqual(expect.arrayContaining(['complete.json', 'data']))
      expect(keptOf(cluster.node(name))).toEqual([])
      await cluster.startServer(name)
      expect(await messagesOf(name)).toEqual(['under all'])
    }
    await stopAll()
    renameSync(away, db1.directory)
    await prepare()
    await startAll()
    for (const name of NAMES) expect(await messagesOf(name)).toEqual(['under all'])
    expect(cluster.progress).toEqual([])
  })

  it('is not made anew either when this start leaves the standbys out', async () => {
    await stopAll()
    const away = `${db1.directory}-away`
    renameSync(db1.directory, away)
    const alone = { dir: cluster.dir, nodes: [{ name: 'db1', port: db1.port, role: 'primary' as const }] }
    await expect(prepareCluster(alone)).rejects.toThrow(/db2 still has its copy/)
    renameSync(away, db1.directory)
    rmSync(join(db1.directory, 'complete.json'))
    await expect(prepareCluster(alone)).rejects.toThrow(/found data that was not made to its end/)
    writeFileSync(join(db1.directory, 'complete.json'), '{}')
    await startAll()
  })

  it('can be made of a standby’s, as the README says, also where something is left of it', async () => {
    await write('before the loss')
    const before = await messagesOf('db1')
    await stopAll()
    rmSync(join(db1.directory, 'complete.json'))
    await expect(prepare()).rejects.toThrow(/found data that was not made to its end/)
    const [, steps = ''] = /```sh\nnpm run lab -- down stage2\ncd .*\n([^`]*)```/.exec(readFileSync(README, 'utf8')) ?? []
    execFileSync('sh', ['-euc', steps], { cwd: cluster.cluster.root })
    expect(existsSync(join(cluster.cluster.root, 'lost-db1', 'data'))).toBe(true)
    await prepare()
    await startAll()
    for (const name of NAMES) expect(await messagesOf(name)).toEqual(before)
    // The new primary has no slots: it could be any older copy.
    expect(cluster.progress.join('\n')).toContain(`db2: rebuilding this standby, because its slot "db2" is missing on db1`)
    expect(keptOf(db2)).toHaveLength(1)
    await write('after the loss')
    expect(await messagesOf('db3')).toContain('before the loss')
  })
})

describe('a standby', () => {
  it('that is ahead of its primary is copied anew, and what it had is kept', async () => {
    await putOlderPrimaryBack('known to the standbys alone')
    const had = keptOf(db2)
    // Its first copy moves the primary on, and then nothing tells that db3 was ahead as well: it is copied anew by hand.
    rmSync(cluster.node('db3').dataDir, { recursive: true })
    await startAll()
    const said = cluster.progress.filter((message) => message.startsWith('db2: '))
    const kept = keptOf(db2).find((name) => !had.includes(name))
    expect(said).toEqual([
      'db2: rebuilding this standby, because it is ahead of db1, which lost what it has',
      `db2: what it had is kept in ${join(db2.directory, kept!)}`,
      'db2: copying db1 (pg_basebackup)',
    ])
    await eventually(async () => expect(await messagesOf('db2')).toEqual(await messagesOf('db1')))
    expect(await messagesOf('db2')).not.toContain('known to the standbys alone')
  })

  it('that is ahead is copied anew, and what it had kept, also when all servers begin at once', async () => {
    await putOlderPrimaryBack('known to both standbys')
    const said = await whileKept(NAMES, async () => {
      await cluster.serviceReady('db1')
      await cluster.streaming('db2', 'db3')
      for (const name of NAMES) expect(await messagesOf(name)).not.toContain('known to both standbys')
    })
    for (const name of ['db2', 'db3'] as const) {
      expect(said).toContain(`${name}: rebuilding this standby, because it is ahead of db1, which lost what it has`)
      expect(said.filter((message) => message.startsWith(`${name}: what it had is kept in `))).toHaveLength(1)
    }
    await startAll()
  })

  it('that is ahead of a primary which was away when it started is copied anew once that one answers', async () => {
    await putOlderPrimaryBack('known to a standby that is asked later')
    // As above: this copy moves the primary on, and db3, which is not kept here, would be taken for one that can follow.
    rmSync(cluster.node('db3').dataDir, { recursive: true })
    const said = await whileKept(['db2'], async (saidSoFar) => {
      await ready(db2)
      expect(await messagesOf('db2')).toContain('known to a standby that is asked later')
      await cluster.startServer('db1')
      await cluster.serviceReady('db1')
      await eventually(async () => expect(saidSoFar).toContain('db2: copying db1 (pg_basebackup)'))
      await cluster.streaming('db2')
      expect(await messagesOf('db2')).not.toContain('known to a standby that is asked later')
    })
    expect(said[0]).toBe('db2: rebuilding this standby, because it is ahead of db1, which lost what it has')
    expect(said[1]).toMatch(/^db2: what it had is kept in /)
    await stopAll()
    await startAll()
  })

  it('that was found ahead is so also when its primary goes away before the copy, and has moved on when it is back', async () => {
    await putOlderPrimaryBack('known to a standby whose primary comes and goes')
    rmSync(cluster.node('db3').dataDir, { recursive: true })
    const onProgress = (message: string): void => {
      if (message.includes('rebuilding this standby')) signalServer(db1, 'SIGKILL')
    }
    const end = new AbortController()
    const kept = keepServer({ node: db2, durability: 'all', onProgress, onLine: () => {}, signal: end.signal })
    kept.catch(() => {})
    try {
      await ready(db2)
      await cluster.startServer('db1')
      await expect(kept).rejects.toThrow(/CONN/)
    } finally {
      end.abort()
    }
    await cluster.killServer('db1')
    await cluster.startServer('db1')
    for (let segment = 0; segment < 2; segment++)
      await cluster.sql('db1', 'admin', (sql) => sql`SELECT pg_logical_emit_message(false, 'filler', repeat('x', 900000)), pg_switch_wal()`)
    const said = await whileKept(['db2'], async (saidSoFar) => {
      await eventually(async () => expect(saidSoFar).toContain('db2: copying db1 (pg_basebackup)'))
      await cluster.streaming('db2')
      expect(await messagesOf('db2')).not.toContain('known to a standby whose primary comes and goes')
    })
    expect(said[0]).toBe('db2: rebuilding this standby, because it is ahead of db1, which lost what it has')
    expect(said[1]).toMatch(/^db2: what it had is kept in /)
    expect(readdirSync(db2.directory)).not.toContain('rebuild')
    await stopAll()
    await startAll()
  })

  it('that is promoted while its primary is away is left as it is when that one answers', async () => {
    await stopAll()
    const ask = await rebuildReason(db2)
    await cluster.startServer('db2')
    await cluster.sql('db2', 'admin', (sql) => sql`SELECT pg_promote()`)
    await cluster.startServer('db1')
    expect(await (ask as AskLater)()).toBeUndefined()
    await stopAll()
    await startAll()
  })

  it('of another cluster is copied anew, and what it had is kept', async () => {
    await stopAll()
    const away = `${db2.directory}-away`
    renameSync(db2.directory, away)
    for (const name of ['db1', 'db3'] as const) rmSync(cluster.node(name).directory, { recursive: true })
    await prepare()
    rmSync(db2.directory, { recursive: true })
    renameSync(away, db2.directory)
    await startAll()
    expect(cluster.progress.join('\n')).toContain(
      'db2: rebuilding this standby, because it belongs to another cluster than db1\ndb2: what it had is kept',
    )
    expect(keptOf(db2)).toHaveLength(2)
  })

  it('whose control file says nothing is not copied anew, and says why', async () => {
    await cluster.stopServer('db2')
    const node = withProgram(db2, 'pg_controldata', 'exit 0')
    await expect(prepareServer(node)).rejects.toThrow(/found no "Database system identifier"; its data stays as it is/)
    rmSync(join(db2.directory, 'complete.json'))
    await expect(prepareServer(node)).rejects.toThrow(/found no "Database system identifier"; its data stays as it is/)
    expect(existsSync(join(db2.dataDir, 'PG_VERSION'))).toBe(true)
    await cluster.startServer('db2')
    await cluster.streaming('db2')
  })
})

it('`--fresh` throws away what was kept, too', async () => {
  await stopAll()
  expect(keptOf(db2)).not.toEqual([])
  await prepare({ fresh: true })
  expect(keptOf(db2)).toEqual([])
})
