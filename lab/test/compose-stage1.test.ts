/** Stage 1 on a real container engine: restarts under load, kills, the networks between the tiers, and nothing left behind. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../runtime/compose-engine.ts'
import { entryUrl, nodesOf } from '../topology.ts'
import type { StageStatus } from '../stage-status.ts'
import { ask } from './support/ask.ts'
import { ComposeCluster, whyNoEngine } from './support/compose-cluster.ts'
import { recordsOf } from './support/database-contents.ts'
import { Load } from './support/load.ts'
import { LEVEL, within } from './support/patience.ts'
import { seededRandom } from './support/seeded-random.ts'

const START_MS = 900_000
const TEST_MS = 120_000
const CLIENTS = 8

const reason = await whyNoEngine()
const random = seededRandom('compose-stage1')
let cluster: ComposeCluster

describe.skipIf(reason !== undefined)(`stage 1 on containers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(async () => {
    cluster = await ComposeCluster.create('stage1')
    await cluster.compose(['up', '--wait'])
  }, START_MS)
  afterAll(() => cluster?.remove(), TEST_MS)

  test('started by plain docker compose, is known to the lab, and the report’s claims hold', { timeout: TEST_MS }, async () => {
    // Nobody has gone the whole way yet: Compose waits for each container by itself.
    const read = async (): Promise<number> => (await ask(`${entryUrl(cluster.topology, 'frontend')}/api/data`)).status
    await expect.poll(async () => [await read(), await read(), await read()], within(60_000)).toEqual([200, 200, 200])
    const demo = await cluster.lab('demo', 'stage1')
    expect(demo.stdout).toMatch(/All \d+ claims hold/)
    const { stdout } = await cluster.lab('status', '--json')
    const { stages } = JSON.parse(stdout) as { stages: { stage1: StageStatus } }
    expect([stages.stage1.state, stages.stage1.runtime, stages.stage1.instances.length]).toEqual(['ready', 'compose', 12])
    const lists = async (): Promise<string[]> =>
      Promise.all(nodesOf(cluster.topology, 'db').map(async ({ url }) => JSON.stringify(await recordsOf(url))))
    await expect.poll(async () => new Set(await lists()).size, LEVEL).toBe(1)
  })

  test.each(['frontend2', 'backend2', 'db2', 'db1'])('%s restarted under load costs no read', { timeout: TEST_MS }, async (name) => {
    const load = new Load(entryUrl(cluster.topology, 'frontend'), { random, name: `restart-${name}`, clients: CLIENTS, writeShare: 0.1 })
    try {
      await load.goOn(50)
      await cluster.compose(['restart', `stage1-${name}`])
      const isReady = async (): Promise<string> => (await cluster.container(name)).health
      await expect.poll(isReady, within(40_000, 200)).toBe('healthy')
      await load.goOn(50)
    } finally {
      await load.stop()
    }
    expect(await cluster.lostReads(load, name)).toEqual([])
    // It is asked again.
    const url = entryUrl(cluster.topology, 'frontend')
    const isAsked = async (): Promise<boolean> => (await ask(`${url}/api/data?limit=1`)).way.includes(name)
    await expect.poll(isAsked, within(10_000)).toBe(true)
  })

  test('a container made anew is found again by its load balancer', { timeout: TEST_MS }, async () => {
    await docker(['rm', '--force', (await cluster.container('backend1')).id])
    await cluster.compose(['up', '--wait', '--no-build'])
    const url = entryUrl(cluster.topology, 'backend')
    await expect.poll(async () => (await ask(`${url}/api/data?limit=1`)).way.includes('backend1'), within(10_000)).toBe(true)
  })

  test('a replica that is killed stays away until it is started, and then has everything', { timeout: TEST_MS }, async () => {
    const killed = await cluster.lab('kill', 'stage1/db2')
    expect(killed.stderr).toBe('')
    const written = await ask(`${entryUrl(cluster.topology, 'frontend')}/api/data`, { body: { message: 'while db2 was away' } })
    expect(written.status).toBe(201)
    const { stdout } = await cluster.lab('status', '--json')
    const { stages } = JSON.parse(stdout) as { stages: { stage1: StageStatus } }
    expect(stages.stage1.instances.find(({ name }) => name === 'db2')!.state).toBe('dead')
    const started = await cluster.lab('start', 'stage1/db2')
    expect(started.stderr).toBe('')
    const { url } = cluster.topology.nodes.find(({ name }) => name === 'db2')!
    await expect.poll(async () => (await ask(`${url}/api/data/${written.json.id as number}`)).status, LEVEL).toBe(200)
  })

  test('a frontend reaches the backend tier, and no database', { timeout: TEST_MS }, async () => {
    const { id } = await cluster.container('frontend1')
    const reach = (name: string, port: number): Promise<string> =>
      docker(['exec', id, 'timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${name}/${port} && echo reached`]).then(
        (text) => text.trim(),
        () => 'not reached',
      )
    expect(await reach('stage1-backend-lb', 8081)).toBe('reached')
    expect(await reach('stage1-db1', 18_007)).toBe('not reached')
    expect(await reach('stage1-db-lb', 8084)).toBe('not reached')
  })

  test('`down` stops it in the lab’s words, and with its volumes leaves nothing', { timeout: TEST_MS }, async () => {
    const down = await cluster.lab('down', 'stage1')
    expect(down.stdout).toMatch(/^stage1 stopped: 12 processes/)
    const ofAnyKind = await docker(['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${cluster.project.name}`])
    expect(ofAnyKind).toBe('')
    await cluster.compose(['down', '--volumes'])
    expect(await cluster.leftovers()).toEqual([])
  })
})
