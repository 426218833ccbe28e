/** The three durability words on a real cluster, with standbys stopped, frozen and back. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Problem } from '@relais/shared/http/problem.ts'
import type { Store, WriteOptions } from '@relais/shared/store/store.ts'
import type { ClusterNode } from '../cluster/cluster.ts'
import { signalServer } from '../cluster/server.ts'
import { createStandby } from '../cluster/standby.ts'
import { eventually, PostgresCluster } from './postgres-cluster.ts'

let cluster: PostgresCluster
let store: Store

beforeAll(async () => {
  cluster = await PostgresCluster.start()
  store = cluster.service('db1').store
})
afterAll(() => cluster.close())
beforeEach(async () => {
  await cluster.setDurability('async')
  await cluster.streaming('db2', 'db3')
})

const write = (idempotencyKey?: string, withinMs = 5_000): WriteOptions => ({ idempotencyKey, deadlineMs: Date.now() + withinMs })
const rowsWith = (message: string): Promise<{ id: string }[]> =>
  cluster.sql('db1', 'readonly', (sql) => sql<{ id: string }[]>`SELECT id FROM records WHERE message = ${message}`)

/** The same standby, copied so slowly that a test can look on. */
function copiedSlowly(node: ClusterNode): ClusterNode {
  const { programs } = node.cluster
  const bindir = join(cluster.dir, 'slow')
  mkdirSync(bindir)
  symlinkSync(join(programs.bindir, 'pg_controldata'), join(bindir, 'pg_controldata'))
  writeFileSync(join(bindir, 'pg_basebackup'), `#!/bin/sh\nexec '${programs.bindir}/pg_basebackup' --max-rate=32k "$@"\n`, { mode: 0o755 })
  return { ...node, cluster: { ...node.cluster, programs: { ...programs, bindir } } }
}

describe('durability', () => {
  it('is what the server is set to, and changes while it runs', async () => {
    for (const durability of ['quorum', 'all', 'async'] as const) {
      await cluster.setDurability(durability)
      await expect(store.insert(`with ${durability}`, write())).resolves.toBeDefined()
    }
  })

  it('quorum goes on with one of two standbys stopped; all refuses before it writes', async () => {
    await cluster.setDurability('quorum')
    await cluster.stopServer('db3')
    try {
      await expect(store.insert('quorum of one', write())).resolves.toBeDefined()
      await cluster.setDurability('all')
      await eventually(async () => {
        const { replicas } = await store.replication()
        expect(replicas.find(({ name }) => name === 'db3')?.state).toBe('unreachable')
      })
      await expect(store.insert('refused', write())).rejects.toMatchObject({ slug: 'not-enough-replicas', definite: true })
      expect(await rowsWith('refused')).toEqual([])
    } finally {
      await cluster.startServer('db3')
    }
  })

  it('quorum does not take a base backup for a standby, whatever it says to have flushed', async () => {
    await cluster.setDurability('quorum')
    await Promise.all([cluster.stopServer('db2'), cluster.stopServer('db3')])
    const copy = createStandby(copiedSlowly(cluster.node('db2')), () => {})
    copy.catch(() => {})
    try {
      await eventually(async () => {
        const { details } = await store.replication()
        expect(details!['standbys']).toContainEqual(expect.objectContaining({ state: 'streaming' }))
      })
      await expect(store.insert('not in a backup', write())).rejects.toMatchObject({ slug: 'not-enough-replicas', definite: true })
      expect(await rowsWith('not in a backup')).toEqual([])
      const { replicas } = await store.replication()
      expect(replicas.map(({ state }) => state)).toEqual(['unreachable', 'unreachable'])
    } finally {
      await cluster.sql('db1', 'admin', (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_replication`)
      await expect(copy).rejects.toThrow(/pg_basebackup/)
      await createStandby(cluster.node('db2'), () => {})
      await Promise.all([cluster.startServer('db2'), cluster.startServer('db3')])
    }
  })

  it('quorum with both standbys frozen: unknown by the deadline, reads unaffected, one effect when they go on', async () => {
    await cluster.setDurability('quorum')
    for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGSTOP')
    try {
      await expect(store.insert('waits', write('waits', 400))).rejects.toMatchObject({ slug: 'replication-timeout', definite: false })
      // Behind it in the lane: never sent, so certainly not made; under the same key, as unknown as before.
      await expect(store.insert('behind', write('behind', 100))).rejects.toMatchObject({ definite: true })
      await expect(store.insert('waits', write('waits', 100))).rejects.toMatchObject({ definite: false })
      expect((await store.page({ limit: 1 })).value.records[0]?.message).not.toBe('waits')
      // Once the walsenders have given the standbys up, writes are refused before they are made; the old key stays unknown.
      await eventually(() =>
        expect(store.insert('late', write('late', 200))).rejects.toMatchObject({ slug: 'not-enough-replicas', definite: true }),
      )
    } finally {
      for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGCONT')
    }
    await cluster.streaming('db2', 'db3')
    const { value } = await store.insert('waits', write('waits'))
    expect(await rowsWith('waits')).toEqual([{ id: String(value.id) }])
    expect(await rowsWith('behind')).toEqual([])
  })

  it('never takes a cancelled wait for a success', async () => {
    await cluster.setDurability('quorum')
    for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGSTOP')
    try {
      const answer = store.insert('cancelled', write('cancelled', 10_000))
      answer.catch(() => {})
      await eventually(async () => {
        const rows = await cluster.sql(
          'db1',
          'admin',
          (sql) => sql`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
        )
        expect(rows).toHaveLength(1)
      })
      await expect(answer).rejects.toMatchObject({ slug: 'replication-timeout', definite: false })
      // PostgreSQL committed it locally; that is why the answer is "unknown" and not "failed".
      expect(await rowsWith('cancelled')).toHaveLength(1)
    } finally {
      for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGCONT')
    }
  })

  it('a repeat that meets its first attempt in the session of a service that was started again is never told "certainly not"', async () => {
    const { value: doomed } = await store.insert('doomed', write())
    const { value: rewritten } = await store.insert('to be rewritten', write())
    const attempts = (withinMs: number): Promise<unknown>[] => [
      store.insert('met again', write('met-insert', withinMs)),
      store.replace(rewritten.id, 'rewritten', write('met-replace', withinMs)),
      store.remove(doomed.id, write('met-remove', withinMs)),
    ]
    const told: unknown[] = []
    const outcomes = async (withinMs: number): Promise<unknown[]> => {
      const results = await Promise.allSettled(attempts(withinMs))
      const found = results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : result.value))
      told.push(...found)
      return found
    }
    const undecided = expect.objectContaining({ name: 'Problem', definite: false })
    await cluster.setDurability('quorum')
    for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGSTOP')
    let met: Promise<unknown[]>
    try {
      expect(await outcomes(1_000)).toEqual([undecided, undecided, undecided])
      await cluster.service('db1').close()
      cluster.startService('db1')
      store = cluster.service('db1').store
      await cluster.serviceReady('db1')
      expect(await outcomes(2_000)).toEqual([undecided, undecided, undecided])
      met = outcomes(10_000)
      await eventually(async () => {
        const rows = await cluster.sql(
          'db1',
          'monitor',
          (sql) => sql`SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'db1-%' AND wait_event_type = 'Lock'`,
        )
        expect(rows).toHaveLength(3)
      })
    } finally {
      for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGCONT')
    }
    // PostgreSQL ends a wait for a lock after a second: whoever confirms later than that leaves these undecided, too.
    await met
    const [first] = await rowsWith('met again')
    await eventually(async () =>
      expect(await outcomes(10_000)).toMatchObject([
        { value: { id: Number(first!.id) } },
        { value: { id: rewritten.id, message: 'rewritten' } },
        { value: undefined },
      ]),
    )
    expect(told.filter((one) => one instanceof Problem && one.definite)).toEqual([])
    expect(await rowsWith('met again')).toHaveLength(1)
  })

  it('a repeat of a write that only the killed primary had is answered when the standbys have it', async () => {
    await cluster.setDurability('quorum')
    for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGSTOP')
    try {
      await expect(store.insert('local only', write('local', 300))).rejects.toMatchObject({ definite: false })
      await cluster.killServer('db1')
      await cluster.startServer('db1')
      await eventually(async () => expect(await rowsWith('local only')).toHaveLength(1))
      await expect(store.insert('local only', write('local', 500))).rejects.toMatchObject({ definite: false })
    } finally {
      for (const name of ['db2', 'db3'] as const) signalServer(cluster.node(name), 'SIGCONT')
    }
    await cluster.streaming('db2', 'db3')
    await eventually(async () => expect((await store.insert('local only', write('local'))).value.message).toBe('local only'))
    expect(await rowsWith('local only')).toHaveLength(1)
  })
})
