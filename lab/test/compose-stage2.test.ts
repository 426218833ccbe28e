/** Stage 2 on a real container engine: the primary killed and made anew under writers, lost volumes and slots, secrets, nothing left behind. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../runtime/compose-engine.ts'
import { entryUrl, nodesOf } from '../topology.ts'
import { ask } from './support/ask.ts'
import { ComposeCluster, whyNoEngine } from './support/compose-cluster.ts'
import { recordsOf, replicationOf } from './support/database-contents.ts'
import { Load } from './support/load.ts'
import { LEVEL, within } from './support/patience.ts'
import { seededRandom } from './support/seeded-random.ts'
import { untruths } from './support/write-verdict.ts'

const START_MS = 900_000
const TEST_MS = 180_000
const CLIENTS = 8
const RECOVERED = within(100_000, 250)

const reason = await whyNoEngine()
const random = seededRandom('compose-stage2')
let cluster: ComposeCluster
let frontend: string

const urlOf = (name: string): string => cluster.topology.nodes.find((node) => node.name === name)!.url

async function act(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.lab(...args)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

async function expectStreaming(): Promise<void> {
  const replicas = async (): Promise<unknown> => (await replicationOf(urlOf('db1'))).replicas?.map(({ name, state }) => `${name} ${state}`)
  await expect.poll(replicas, RECOVERED).toEqual(['db2 streaming', 'db3 streaming'])
  const contents = (): Promise<string[]> =>
    Promise.all(nodesOf(cluster.topology, 'db').map(async ({ url }) => JSON.stringify(await recordsOf(url))))
  await expect.poll(async () => new Set(await contents()).size, LEVEL).toBe(1)
}

/** The last five. */
async function checksOf(id: string): Promise<{ readonly Start: string }[]> {
  return JSON.parse(await docker(['inspect', '--format', '{{json .State.Health.Log}}', id])) as { readonly Start: string }[]
}

describe.skipIf(reason !== undefined)(`stage 2 on containers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(async () => {
    cluster = await ComposeCluster.create('stage2')
    frontend = entryUrl(cluster.topology, 'frontend')
    await act('up', 'stage2', '--runtime', 'compose', '--detach')
  }, START_MS)
  afterAll(() => cluster?.remove(), TEST_MS)

  test('the report’s claims hold, and the tables are equal on all three nodes', { timeout: TEST_MS }, async () => {
    expect(await act('demo', 'stage2')).toMatch(/All \d+ claims hold/)
    await expectStreaming()
  })

  test.each(['stage2-db1-postgres', 'stage2-db2-postgres'])('%s restarted under load costs no read', { timeout: TEST_MS }, async (name) => {
    const load = new Load(frontend, { random, name: `restart-${name}`, clients: CLIENTS, writeShare: 0.1 })
    try {
      await load.goOn(50)
      await cluster.compose(['restart', name])
      await load.goOn(50)
    } finally {
      await load.stop()
    }
    expect(await cluster.lostReads(load, name.split('-')[1]!)).toEqual([])
    await expectStreaming()
  })

  test('a server outlives a health check that was cut off', { timeout: TEST_MS }, async () => {
    const { id } = await cluster.container('db1', 'postgres')
    const startOf = (): Promise<string> =>
      act('psql', 'stage2/db1', '-c', 'SELECT max(backend_start) FROM pg_stat_activity WHERE backend_type = $$checkpointer$$')
    const before = await startOf()
    // Its parent is gone when it ends, and it ends badly.
    await docker(['exec', id, 'bash', '-c', '(bash -c "sleep 0.2; exit 2" &)'])
    const isGone = async (): Promise<boolean> => !(await docker(['top', id])).includes('exit 2')
    await expect.poll(isGone, within(10_000)).toBe(true)
    expect(await startOf()).toBe(before)
  })

  test('the primary killed and made anew keeps every acknowledged write, and its standbys stream again', { timeout: TEST_MS }, async () => {
    const load = new Load(frontend, { random, name: 'anew', clients: CLIENTS, writeShare: 0.8 })
    try {
      await load.goOn(200)
      const containers = await Promise.all([cluster.container('db1', 'postgres'), cluster.container('db1')])
      await docker(['rm', '--force', ...containers.map(({ id }) => id)])
      await load.goOn(20)
      // Long enough for every check that the engine remembers: Compose waits for no container that is unhealthy.
      const gone = Date.now()
      const { id } = await cluster.container('db3', 'postgres')
      await expect.poll(async () => (await checksOf(id)).every(({ Start }) => Date.parse(Start) > gone), RECOVERED).toBe(true)
      expect((await cluster.container('db3', 'postgres')).health).toBe('healthy')
      await cluster.compose(['up', '--wait', '--no-build'])
      await load.goOn(50)
    } finally {
      await load.stop()
    }
    expect(await cluster.lostReads(load, 'db1')).toEqual([])
    const acknowledged = load.writes.filter(({ answer }) => answer?.status === 201)
    expect(acknowledged.length).toBeGreaterThan(50)
    await expectStreaming()
    const records = (await recordsOf(urlOf('db1'))).filter(({ message }) => message.startsWith('anew-'))
    expect(untruths(load.writes, records)).toEqual([])
  })

  test('a standby whose volume was removed is copied anew', { timeout: TEST_MS }, async () => {
    const containers = await Promise.all([cluster.container('db3', 'postgres'), cluster.container('db3')])
    await docker(['rm', '--force', ...containers.map(({ id }) => id)])
    await docker(['volume', 'rm', `${cluster.project.name}_stage2-db3`])
    await cluster.compose(['up', '--wait', '--no-build'])
    await expectStreaming()
    const log = await docker(['logs', (await cluster.container('db3', 'postgres')).id])
    expect(log).toContain('db3: rebuilding this standby, because it was not made to its end')
  })

  test('a primary whose data is gone is not made anew while its standbys have copies', { timeout: TEST_MS }, async () => {
    const { id } = await cluster.container('db1', 'postgres')
    const image = (await docker(['inspect', '--format', '{{.Config.Image}}', id])).trim()
    const inVolume = (script: string): Promise<string> => {
      const volume = `${cluster.project.name}_stage2-db1:/volume`
      return docker([
        'run',
        '--rm',
        '--network',
        'none',
        '--user',
        '999:999',
        '--volume',
        volume,
        '--entrypoint',
        'sh',
        image,
        '-c',
        script,
      ])
    }
    const before = await recordsOf(urlOf('db1'))
    await act('stop', 'stage2/db1/postgres')
    await inVolume('cd /volume && mkdir away && mv pgdata complete away')
    await docker(['start', id])
    // What it says as an error does not come by `docker logs`' standard output.
    const said = async (): Promise<string> => (await promisify(execFile)('docker', ['logs', '--tail', '20', id])).stderr
    await expect.poll(said, RECOVERED).toMatch(/Failed to start db1: found no data in .*because there are copies of it: db2 db3\./)
    expect(await inVolume('ls /volume')).toBe('away\n')
    await docker(['stop', id])
    await inVolume('cd /volume && mv away/* . && rmdir away')
    await docker(['start', id])
    await expect.poll(async () => (await cluster.container('db1')).health, RECOVERED).toBe('healthy')
    await expectStreaming()
    expect(await recordsOf(urlOf('db1'))).toEqual(before)
  })

  test('a standby that waits for its primary ends when it is asked to', { timeout: TEST_MS }, async () => {
    const containers = await Promise.all([cluster.container('db3', 'postgres'), cluster.container('db3')])
    await docker(['rm', '--force', ...containers.map(({ id }) => id)])
    await docker(['volume', 'rm', `${cluster.project.name}_stage2-db3`])
    await act('kill', 'stage2/db1/postgres')
    await cluster.compose(['up', '--detach', '--no-build', '--no-deps', 'stage2-db3-postgres'])
    const waits = async (): Promise<string> => docker(['logs', (await cluster.container('db3', 'postgres')).id])
    await expect.poll(waits, RECOVERED).toContain('db3: the primary could not be copied; trying again')
    // And not "did not end in time and was killed".
    expect(await act('stop', 'stage2/db3/postgres')).toMatch(/^stage2\/db3\/postgres stopped/)
    await act('start', 'stage2/db1/postgres')
    // Its service could not serve meanwhile, and Compose waits for no container that is unhealthy.
    await expect.poll(async () => (await cluster.container('db1')).health, RECOVERED).toBe('healthy')
    await cluster.compose(['up', '--wait', '--no-build'])
    await expectStreaming()
  })

  test('a standby whose slot was lost while it was away is copied anew', { timeout: TEST_MS }, async () => {
    await act('kill', 'stage2/db2/postgres')
    const sql = (text: string): Promise<string> => act('psql', 'stage2/db1', '-c', text)
    await sql("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    await sql('ALTER SYSTEM SET wal_keep_size = 0')
    await sql('SELECT pg_reload_conf()')
    const loseSlot = async (): Promise<string> => {
      await sql("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', repeat('x', 8000000))")
      await sql('CHECKPOINT')
      return sql("SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'db2'")
    }
    await expect.poll(loseSlot, within(60_000, 250)).toContain('lost')
    await sql('ALTER SYSTEM RESET max_slot_wal_keep_size')
    await sql('ALTER SYSTEM RESET wal_keep_size')
    await sql('SELECT pg_reload_conf()')
    await act('start', 'stage2/db2/postgres')
    await expectStreaming()
    const log = await docker(['logs', (await cluster.container('db2', 'postgres')).id])
    expect(log).toContain('because its slot "db2" was lost')
  })

  test('a change of durability holds without a restart: with both standbys away a write is refused', { timeout: TEST_MS }, async () => {
    await act('durability', 'stage2', '--set', 'quorum')
    const write = async (): Promise<string> => {
      const { status, problem } = await ask(`${frontend}/api/data`, { body: { message: 'durable' } })
      return `${status} ${problem ?? ''}`.trim()
    }
    await expect.poll(write, RECOVERED).toBe('201')
    await act('stop', 'stage2/db2/postgres')
    await act('stop', 'stage2/db3/postgres')
    await expect.poll(write, RECOVERED).toBe('503 not-enough-replicas')
    await act('start', 'stage2/db2/postgres')
    await act('start', 'stage2/db3/postgres')
    await expect.poll(write, RECOVERED).toBe('201')
    await act('durability', 'stage2', '--set', 'async')
  })

  test('a change of durability is not said to be made before the checkpointer knows of it', { timeout: TEST_MS }, async () => {
    const { id } = await cluster.container('db1', 'postgres')
    const sql = async (text: string): Promise<string> => (await docker(['exec', id, 'bash', '/etc/relais/psql.sh', '-Atc', text])).trim()
    const checkpointer = await sql('SELECT pid FROM pg_stat_activity WHERE backend_type = $$checkpointer$$')
    const signal = (name: string): Promise<string> => docker(['exec', id, 'bash', '-c', `kill -${name} ${checkpointer}`])
    await signal('STOP')
    let isOver = false
    const changed = act('durability', 'stage2', '--set', 'quorum').finally(() => (isOver = true))
    changed.catch(() => {})
    try {
      const waits = 'SELECT count(*) FROM pg_stat_activity WHERE query = $$CHECKPOINT$$ AND state = $$active$$'
      await expect.poll(() => sql(waits), RECOVERED).toBe('1')
      expect(isOver).toBe(false)
    } finally {
      await signal('CONT')
    }
    expect(await changed).toBe('stage2 now acknowledges a write after one standby.\n')
    await act('durability', 'stage2', '--set', 'async')
  })

  test('no secret is in what docker inspect shows', { timeout: TEST_MS }, async () => {
    const { id } = await cluster.container('db1', 'postgres')
    const secrets = (await docker(['exec', id, 'sh', '-c', 'for f in /run/relais-secrets/*; do cat $f; echo; done']))
      .split('\n')
      .filter(Boolean)
    expect(secrets).toHaveLength(6)
    const shown = await docker(['inspect', ...(await cluster.containers()).map((container) => container.id)])
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([])
  })

  test('a standby’s settings say where the replicator’s password is, and not what it is', { timeout: TEST_MS }, async () => {
    const conninfo = await act('psql', 'stage2/db2', '-c', 'SHOW primary_conninfo')
    expect(conninfo).toContain("passfile='/var/lib/postgresql/data/replicator.pgpass'")
    expect(conninfo).not.toContain('password=')
  })

  test('no password comes into the server’s log, by the script of the roles', { timeout: TEST_MS }, async () => {
    const { id } = await cluster.container('db1', 'postgres')
    // Its roles are there already, so it fails; and everything is slow enough to be logged.
    const again = 'PGOPTIONS="-c log_min_duration_statement=0" SECRETS_DIR=$RELAIS_SECRETS_DIR /bin/bash /etc/relais/psql.sh'
    await expect(docker(['exec', id, 'bash', '-c', `${again} -f /docker-entrypoint-initdb.d/10-roles.sql`])).rejects.toThrow(
      'already exists',
    )
    const { stdout, stderr } = await promisify(execFile)('docker', ['logs', id], { maxBuffer: 64 * 1024 * 1024 })
    expect(stdout + stderr).toContain('ERROR:  role "relais_owner" already exists')
    expect(stdout + stderr).not.toContain('CREATE ROLE')
  })

  test(
    'the single variant has one instance a tier, held to its share, and new data though monitoring has the volumes',
    { timeout: TEST_MS },
    async () => {
      await act('down', 'stage2')
      // As an exporter of monitoring: not of the stage, with its password.
      const { name } = cluster.project
      const labels = [`com.docker.compose.project=${name}`, 'com.docker.compose.service=exporter'].flatMap((label) => ['--label', label])
      const volume = ['--volume', `${name}_stage2-monitoring-secrets:/passwords:ro`]
      await docker([
        'run',
        '--detach',
        '--name',
        `${name}-exporter`,
        ...labels,
        ...volume,
        '--entrypoint',
        'sleep',
        'relais-service',
        '600',
      ])
      const said = await act('up', 'stage2', '--runtime', 'compose', '--detach', '--fresh', '--single', '--cpu-per-instance', '0.5')
      expect(said).toContain(`Removed with the data of stage2, because they had its volumes: ${name}-exporter.`)
      const containers = (await cluster.containers()).filter(({ instance }) => instance !== '')
      expect(containers.map(({ instance, process, cores }) => `${instance} ${process} ${cores}`).toSorted()).toEqual([
        'backend1 service 0.5',
        'db1 postgres 0.5',
        'db1 service 0.5',
        'frontend1 service 0.5',
      ])
      const written = await ask(`${urlOf('frontend1')}/api/data`, { body: { message: 'alone' } })
      expect([written.status, written.way]).toEqual([201, ['frontend1', 'backend1', 'db1']])
      await act('down', 'stage2')
    },
  )

  test('`down -v` leaves nothing', { timeout: TEST_MS }, async () => {
    await cluster.compose(['--profile', '*', 'down', '--volumes'])
    expect(await cluster.leftovers()).toEqual([])
  })
})
