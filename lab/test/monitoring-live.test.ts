/**
 * The monitoring's files at work: a real Prometheus with them, over both stages and the exporters, while things break.
 *
 * Where Prometheus and the exporters are not installed this is skipped (Debian: prometheus, prometheus-postgres-exporter,
 * prometheus-nginx-exporter). No Grafana is needed: its panels' expressions are asked of Prometheus, as Grafana does.
 */
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import { serverPlans } from '../runtime/postgres-servers.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'
import { entryUrl, STAGE_NAMES, topologyOf, type StageName, type Topology } from '../topology.ts'
import { ask } from './support/ask.ts'
import { Exporters } from './support/live-exporters.ts'
import { LivePrometheus } from './support/live-prometheus.ts'
import { whyNoMonitoring } from './support/monitoring-programs.ts'
import { Load } from './support/load.ts'
import { EXPRESSIONS } from './support/monitoring-files.ts'
import { within } from './support/patience.ts'
import { seededRandom } from './support/seeded-random.ts'
import { TestCluster } from './test-cluster.ts'

const START_MS = 180_000
const TEST_MS = 120_000
/** Longer than the longest rule on the fast clock, on a machine that is busy. */
const SOON = within(60_000, 500)
const CLIENTS = 3
/** 80 MB, and a bound of 128. */
const MISSED_WAL = [
  "ALTER SYSTEM SET max_slot_wal_keep_size = '128MB'",
  'SELECT pg_reload_conf()',
  "SELECT count(pg_logical_emit_message(false, 'filler', repeat('x', 8000000))) FROM generate_series(1, 10)",
]
/** What ends with its cause; the others last as long as what they look back on, or the late standby. */
const GONE = /Down|Streaming|ErrorShare|WritesFail|SlotFills/

const reason = whyNoMonitoring()
if (reason) console.log(`The monitoring at work is skipped: ${reason}.`)

describe.skipIf(reason !== undefined)(`the monitoring over both stages${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const random = seededRandom('monitoring-live')
  const exporters = new Exporters()
  const loads: Load[] = []
  let cluster: TestCluster
  let topologies: Readonly<Record<StageName, Topology>>
  let prometheus: LivePrometheus

  beforeAll(async () => {
    cluster = await TestCluster.create('stage1', 'stage2')
    const { portOffset } = cluster
    topologies = { stage1: topologyOf('stage1', { portOffset }), stage2: topologyOf('stage2', { portOffset }) }
    const up = await cluster.labWithin(START_MS, 'up', '--detach')
    expect(up.stderr).toBe('')
    prometheus = await LivePrometheus.start(new Map([...servicePlaces(), ...(await exporterPlaces())]))
    for (const stage of STAGE_NAMES)
      loads.push(new Load(entryUrl(topologies[stage], 'frontend'), { random, name: `${stage}-load`, clients: CLIENTS, writeShare: 0.2 }))
  }, START_MS)
  afterAll(async () => {
    await Promise.all(loads.map((load) => load.stop()))
    await prometheus?.stop()
    exporters.stop()
    await cluster?.remove()
  }, TEST_MS)

  test('finds every target of its configuration, and raises no alarm while all is well', { timeout: TEST_MS }, async () => {
    await expect.poll(() => prometheus.targetsNotUp(), SOON).toEqual([])
    await expect.poll(() => valuesOf('relais:database_read_share:ratio'), SOON).toHaveLength(6)
    await expect.poll(() => firing(), SOON).toEqual([])
  })

  test('raises its alarms when things break, about who broke and nobody else', { timeout: TEST_MS }, async () => {
    const [stage1, stage2] = [topologies.stage1, topologies.stage2]
    // A replica away; a server away; a load balancer away, and nobody behind it for users; a write past the load balancers; all reads to one
    // database; a late standby; more WAL than half of what is kept for a standby that is away.
    for (const target of ['stage1/db3', 'stage2/db2/postgres', 'stage1/backend-lb']) {
      const killed = await cluster.lab('kill', target)
      expect(killed.stderr).toBe('')
    }
    const late = await cluster.lab('lag', 'stage2/db3', '--delay-ms', '60000')
    expect(late.stderr).toBe('')
    const refused = await ask(`${urlOf(stage1, 'db2')}/api/data`, { body: { message: 'past the load balancers' } })
    expect(refused.status).toBe(403)
    await loads[1]!.stop()
    const missed = await cluster.lab('psql', 'stage2/db1', ...MISSED_WAL.flatMap((sql) => ['-c', sql]))
    expect(missed.stderr).toBe('')
    const options = { random, name: 'forced', clients: CLIENTS, writeShare: 0.1, readHeaders: { 'x-read-from': 'primary' } }
    loads.push(new Load(entryUrl(stage2, 'db'), options))
    const expected = [
      'ErrorShare stage1',
      'InstanceDown stage1/db3',
      'LoadBalancerDown stage1/backend-lb',
      'PostgresDown stage2/db2',
      'ReadImbalance stage2/db1',
      'ReplicaNotStreaming stage1/db3',
      'ReplicaNotStreaming stage2/db2',
      'ReplicationLag stage2/db3',
      'SlotFills stage2/db2',
      'WriteReachedReplica stage1/db2',
      'WritesFail stage1',
    ]
    await expect.poll(() => firing(), SOON).toEqual(expect.arrayContaining(expected))
    expect(
      (await firing()).filter((alert) =>
        /frontend\d|backend\d|stage1\/db1$|(WriteReachedReplica|ErrorShare|WritesFail) stage2|SlotFills stage2\/db3/.test(alert),
      ),
    ).toEqual([])
  })

  test.each(EXPRESSIONS.filter(({ place }) => place.startsWith('panel')))(
    'has data for $place: $expr',
    { timeout: TEST_MS },
    async ({ expr }) => {
      await expect.poll(() => valuesOf(expr), SOON).not.toEqual([])
    },
  )

  test('takes an alarm back when its reason is gone', { timeout: TEST_MS }, async () => {
    await loads.at(-1)!.stop()
    for (const target of ['stage1/db3', 'stage2/db2/postgres', 'stage1/backend-lb']) {
      const started = await cluster.lab('start', target)
      expect(started.stderr).toBe('')
    }
    await expect.poll(async () => (await firing()).filter((alert) => GONE.test(alert)), SOON).toEqual([])
  })

  async function firing(): Promise<string[]> {
    const alerts = (await prometheus.firing()).map(({ labels }) => {
      const place = [labels['stage'], labels['instance'] ?? labels['replica']].filter(Boolean).join('/')
      return `${labels['alertname']} ${place}`
    })
    return [...new Set(alerts)].toSorted()
  }

  /** Numbers that are one. */
  async function valuesOf(expression: string): Promise<number[]> {
    return (await prometheus.query(expression)).map(({ value: [, text] }) => Number(text)).filter((value) => !Number.isNaN(value))
  }

  function servicePlaces(): [string, string][] {
    return STAGE_NAMES.flatMap((stage) => {
      const configured = new Map(topologyOf(stage).nodes.map(({ name, port }) => [name, port]))
      return topologies[stage].nodes.map(({ name, url }): [string, string] => [
        `${stage}-${name}:${configured.get(name)}`,
        new URL(url).host,
      ])
    })
  }

  async function exporterPlaces(): Promise<[string, string][]> {
    const dir = new StageDirectory(cluster.stateDirectory, 'stage2').postgres
    const servers = await describeCluster({ dir, nodes: serverPlans(topologies.stage2) })
    const places: [string, string][] = []
    for (const { name, port } of servers.nodes)
      places.push([`stage2-${name}-postgres-exporter:9187`, await exporters.ofPostgres(port, path.join(servers.secretsDir, 'monitor'))])
    const balancers = STAGE_NAMES.flatMap((stage) =>
      topologies[stage].loadBalancers.map(({ name, url }) => ({
        address: `http://${stage}-${name}:8090/nginx_status`,
        url: `${url}/nginx_status`,
      })),
    )
    return [...places, ['nginx-exporter:9113', await exporters.ofNginx(balancers)]]
  }
})

function urlOf({ nodes }: Topology, name: string): string {
  return nodes.find((node) => node.name === name)!.url
}
