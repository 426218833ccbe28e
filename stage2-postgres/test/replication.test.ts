/** Standbys that were away, fell behind, lost their slot or went their own way; and what readers see of it. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePosition } from '@relais/shared/store/position.ts'
import type { Store, WriteOptions } from '@relais/shared/store/store.ts'
import type { ClusterNode } from '../cluster/cluster.ts'
import { prepareServer } from '../cluster/prepare-server.ts'
import { ready, signalServer } from '../cluster/server.ts'
import { keepServer } from '../cluster/keep-server.ts'
import { STANDBY_READS } from '../store/statements.ts'
import { eventually, PostgresCluster, withProgram } from './postgres-cluster.ts'

let cluster: PostgresCluster
let primary: Store
let standby: Store

beforeAll(async () => {
  // So little WAL is kept for a slot that a test can outrun it: what is left is wal_keep_size, 64 MB.
  cluster = await PostgresCluster.start({ settings: { max_slot_wal_keep_size: '1MB' } })
  primary = cluster.service('db1').store
  standby = cluster.service('db2').store
})
afterAll(() => cluster.close())

const write = (): WriteOptions => ({ deadlineMs: Date.now() + 5_000 })

async function insertMany(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => primary.insert(`many ${n}`, write())))
}

/** Writes WAL until the slot's is gone. */
async function outrunSlot(name: string): Promise<void> {
  await eventually(async () => {
    await cluster.sql('db1', 'admin', async (sql) => {
      await sql`SELECT pg_logical_emit_message(false, 'filler', repeat('x', 900000)) FROM generate_series(1, 20)`
      await sql`SELECT pg_switch_wal()`
      await sql`CHECKPOINT`
    })
    const { replicas } = await primary.replication()
    expect(replicas.find((replica) => replica.name === name)?.state).toBe('lost')
  }, 30_000)
}

/** A gauge of replication about one standby, in Prometheus' text; `NaN` where there is none. */
function gauge(text: string, name: string, replica: string): number {
  return Number(new RegExp(`^relais_replication_${name}\\{.*replica="${replica}".*\\} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

async function caughtUp(name: 'db2' | 'db3'): Promise<void> {
  const { position } = await primary.insert('caught up?', write())
  expect(await cluster.service(name).store.reach(position, 10_000)).toBe(true)
}

describe('a standby', () => {
  it('catches up from its slot after it was away', async () => {
    await cluster.stopServer('db2')
    await insertMany(500)
    const away = { name: 'db2', state: 'unreachable', position: null, lagBytes: null, lagMs: null }
    await eventually(async () => expect((await primary.replication()).replicas[0]).toMatchObject(away))
    const metrics = await (await cluster.service('db1').service.request('/metrics')).text()
    expect(gauge(metrics, 'slot_kept_bytes', 'db2')).toBeGreaterThan(50_000)
    expect(gauge(metrics, 'slot_kept_max_bytes', 'db2')).toBe(1024 ** 2)
    await cluster.startServer('db2')
    await cluster.streaming('db2')
    await caughtUp('db2')
  })

  it('is told apart from a live one: its state, its lag and its slot', async () => {
    await caughtUp('db2')
    await eventually(async () => {
      const { upstream } = await standby.replication()
      expect(upstream).toMatchObject({ name: 'db1', state: 'streaming', lagBytes: 0, lagMs: 0 })
    })
    const { replicas, details } = await primary.replication()
    expect(replicas.map(({ state }) => state)).toEqual(['streaming', 'streaming'])
    expect(parsePosition(replicas[0]!.position!)).toBeDefined()
    expect(details!['standbys']).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'db2', slot_status: 'reserved', slot_active: true })]),
    )
  })

  it('says that its stream is gone while it goes on serving reads', async () => {
    await cluster.stopServer('db1')
    try {
      await eventually(async () => expect((await standby.replication()).upstream?.state).toBe('unreachable'))
      // It has replayed all that it has, which is no word of what it lacks.
      const { upstream } = await standby.replication()
      expect(upstream?.lagBytes).toBe(0)
      expect(upstream?.lagMs).toBeGreaterThan(0)
      expect((await cluster.service('db2').service.request('/replica?lag=1GB')).status).toBe(503)
      expect(standby.notReadyBecause()).toBeUndefined()
      expect((await standby.page({ limit: 1 })).value.records).toHaveLength(1)
    } finally {
      await cluster.startServer('db1')
    }
    await cluster.serviceReady('db1')
    await cluster.streaming('db2', 'db3')
  })

  it('whose server is gone sends its readers to the primary', async () => {
    await cluster.killServer('db3')
    const { service } = cluster.service('db3')
    await eventually(async () => {
      const response = await service.request('/api/data', { headers: { 'x-relais-may-move': 'yes' } })
      expect(response.status).toBe(503)
      expect(response.headers.get('x-accel-redirect')).toBe('@primary')
    })
    await cluster.startServer('db3')
    await eventually(async () => expect((await service.request('/api/data')).status).toBe(200))
    await cluster.streaming('db3')
  })

  it('does not reach a token while its replay is paused, and does once it goes on', async () => {
    await cluster.sql('db2', 'admin', (sql) => sql`SELECT pg_wal_replay_pause()`)
    try {
      const { value, position } = await primary.insert('not yet there', write())
      expect(await standby.reach(position, 100)).toBe(false)
      expect((await standby.get(value.id)).value).toBeUndefined()
      const waiting = standby.reach(position, 10_000)
      await cluster.sql('db2', 'admin', (sql) => sql`SELECT pg_wal_replay_resume()`)
      expect(await waiting).toBe(true)
      expect((await standby.get(value.id)).value?.message).toBe('not yet there')
    } finally {
      await cluster.sql('db2', 'admin', (sql) => sql`SELECT pg_wal_replay_resume()`)
    }
  })

  it('whose server crashed does not claim what it had shown and has not replayed again', async () => {
    await caughtUp('db2')
    for (const name of ['db1', 'db2'] as const) await cluster.sql(name, 'admin', (sql) => sql`CHECKPOINT`)
    // In force from the next start on: what comes after the checkpoint is not replayed again for a minute.
    await cluster.sql('db2', 'admin', (sql) => sql`ALTER SYSTEM SET recovery_min_apply_delay = '60s'`)
    const { value, position } = await primary.insert('shown before the crash', write())
    expect(await standby.reach(position, 10_000)).toBe(true)
    await cluster.killServer('db2')
    await eventually(async () => expect(await standby.reach(position, 0)).toBe(false))
    await cluster.startServer('db2')
    try {
      await cluster.serviceReady('db2')
      expect((await standby.get(value.id)).value).toBeUndefined()
      expect(await standby.reach(position, 0)).toBe(false)
      expect((await standby.position()).lsn).toBeLessThan(position.lsn)
      // It received nothing yet, and has more to replay all the same.
      expect(await cluster.sql('db2', 'readonly', (sql) => STANDBY_READS.position(sql))).toMatchObject([{ is_behind: true }])
    } finally {
      await cluster.sql('db2', 'admin', async (sql) => {
        await sql`ALTER SYSTEM RESET recovery_min_apply_delay`
        await sql`SELECT pg_reload_conf()`
      })
    }
    expect(await standby.reach(position, 10_000)).toBe(true)
  })

  it('gives tokens that it can reach itself, under load and at rest', async () => {
    await insertMany(200)
    const { position } = await standby.page({ limit: 1 })
    expect(await standby.reach(position, 5_000)).toBe(true)
    await caughtUp('db2')
    await eventually(async () => {
      const again = await standby.page({ limit: 1 })
      expect(await cluster.service('db3').store.reach(again.position, 1_000)).toBe(true)
    })
  })

  it('reaches the token of a read of the primary after a switch of WAL, when nobody writes', async () => {
    await primary.insert('before the switch', write())
    // The server may write a little of its own after the switch, and then there is one more.
    await eventually(async () => {
      await cluster.sql('db1', 'admin', (sql) => sql`SELECT pg_switch_wal()`)
      const { position } = await primary.page({ limit: 1 })
      expect(position.lsn % (16 * 1024 * 1024)).toBe(0)
      expect(await standby.reach(position, 5_000)).toBe(true)
    })
  })

  it('cancels a long read that holds up replay, and replays on', async () => {
    await caughtUp('db2')
    // A lock that replay needs for the TRUNCATE, held by a reader on the standby: the reader loses after the delay.
    const reader = cluster.sql('db2', 'readonly', (sql) =>
      sql.begin(async (held) => {
        await held`SELECT id FROM records LIMIT 1`
        await held`SELECT pg_sleep(15)`
      }),
    )
    reader.catch(() => {})
    await eventually(async () => {
      const rows = await cluster.sql('db2', 'admin', (sql) => sql`SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)
      expect(rows).toHaveLength(1)
    })
    await cluster.empty()
    await expect(reader).rejects.toMatchObject({ code: '40001' })
    await caughtUp('db2')
  })

  it('that lost its slot is rebuilt at its next start, and says so', async () => {
    await cluster.stopServer('db2')
    await outrunSlot('db2')
    await cluster.startServer('db2')
    expect(cluster.progress.join('\n')).toMatch(/db2: rebuilding this standby, because its slot "db2" was lost/)
    await cluster.streaming('db2')
    await caughtUp('db2')
  })

  /** The server with the keeper that a stage gives it, in this process. */
  function keep(node: ClusterNode): { said: string[]; end: () => Promise<void> } {
    const asked = new AbortController()
    const said: string[] = []
    const onProgress = (message: string): void => void said.push(message)
    const kept = keepServer({ node, durability: 'async', onProgress, onLine: () => {}, signal: asked.signal })
    return { said, end: () => (asked.abort(), kept) }
  }

  it('that loses its slot while it is frozen is rebuilt by its keeper', async () => {
    await cluster.stopServer('db3')
    const node = cluster.node('db3')
    const { said, end } = keep(node)
    try {
      await ready(node)
      await cluster.streaming('db3')
      signalServer(node, 'SIGSTOP')
      await cluster.sql(
        'db1',
        'admin',
        (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = 'db3'`,
      )
      await outrunSlot('db3').catch(() => {})
      await eventually(async () => expect(said.join('\n')).toMatch(/db3: its slot was lost or is missing/))
      await cluster.streaming('db3')
      await caughtUp('db3')
    } finally {
      await end()
    }
    await cluster.startServer('db3')
  })

  it('that was started before a primary without its slot is copied anew by its keeper', async () => {
    await cluster.stopServer('db3')
    await cluster.sql('db1', 'admin', (sql) => sql`SELECT pg_drop_replication_slot('db3')`)
    await cluster.stopServer('db1')
    const node = cluster.node('db3')
    const { said, end } = keep(node)
    try {
      await ready(node)
      expect(said).toEqual([])
      await cluster.startServer('db1')
      await cluster.serviceReady('db1')
      await eventually(async () =>
        expect(said.join('\n')).toMatch(/db3: rebuilding this standby, because its slot "db3" is missing on db1/),
      )
      await cluster.streaming('db3')
      await caughtUp('db3')
    } finally {
      await end()
    }
    await cluster.startServer('db3')
  })

  it('that was promoted says so, serves nothing of its own history, and is rebuilt at its next start', async () => {
    await cluster.sql('db2', 'admin', (sql) => sql`SELECT pg_promote()`)
    await eventually(async () => {
      expect(standby.notReadyBecause()).toBe('PostgreSQL is no standby')
      const { upstream, details } = await standby.replication()
      expect(upstream).toMatchObject({ name: 'db1', state: 'lost' })
      expect(details).toMatchObject({ isPromoted: true, isReplayPaused: false })
    })
    const { value, position } = await primary.insert('not in its history', write())
    expect(await standby.reach(position, 100)).toBe(false)
    expect((await standby.get(value.id)).value).toBeUndefined()
    expect((await standby.position()).epoch).toBe(position.epoch)
    const moved = await cluster.service('db2').service.request('/api/data', { headers: { 'x-relais-may-move': 'yes' } })
    expect(moved.headers.get('x-accel-redirect')).toBe('@primary')
    await cluster.stopServer('db2')
    await cluster.startServer('db2')
    expect(cluster.progress.at(-3)).toMatch(/db2: rebuilding this standby, because it was promoted/)
    expect(cluster.progress.at(-2)).toMatch(/db2: what it had is kept in .*data\.before-/)
    await cluster.streaming('db2')
    await eventually(async () => expect(standby.notReadyBecause()).toBeUndefined())
    await caughtUp('db2')
  })

  it('that cannot be rebuilt keeps its data until the primary can be asked, and is rebuilt then', async () => {
    await cluster.stopServer('db2')
    rmSync(join(cluster.node('db2').directory, 'complete.json'))
    await cluster.stopServer('db1')
    try {
      await expect(cluster.startServer('db2')).rejects.toThrow(/ECONNREFUSED/)
      expect(existsSync(join(cluster.node('db2').dataDir, 'PG_VERSION'))).toBe(true)
    } finally {
      await cluster.startServer('db1')
    }
    await cluster.serviceReady('db1')
    await cluster.startServer('db2')
    await cluster.streaming('db2')
    await caughtUp('db2')
  })

  it('that is being copied, however long that takes, is given up when its keeper is asked to end', async () => {
    await cluster.stopServer('db2')
    rmSync(join(cluster.node('db2').directory, 'complete.json'))
    const node = withProgram(cluster.node('db2'), 'pg_basebackup', 'mkdir -p "$DATA_DIR/begun"; exec sleep 600')
    const { end } = keep(node)
    await eventually(async () => expect(existsSync(join(node.dataDir, 'begun'))).toBe(true))
    await end()
    await cluster.startServer('db2')
    await cluster.streaming('db2')
    await caughtUp('db2')
  })

  it('whose copy was cut off before its settings arrived is copied anew', async () => {
    await cluster.stopServer('db2')
    const { directory, dataDir } = cluster.node('db2')
    for (const path of [join(directory, 'complete.json'), join(dataDir, 'postgresql.auto.conf')]) rmSync(path)
    await cluster.startServer('db2')
    expect(cluster.progress.at(-2)).toMatch(/db2: rebuilding this standby, because it was not made to its end/)
    await cluster.streaming('db2')
    await caughtUp('db2')
  })

  it('cannot be started twice', async () => {
    await expect(prepareServer(cluster.node('db2'))).rejects.toThrow(/already runs/)
  })
})
