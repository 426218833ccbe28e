/**
 * What rules and dashboard ask for is what the services tell: every metric and every label, against real `/metrics` answers.
 *
 * A renamed metric breaks no service and no configuration; the panel is empty and the alarm silent, for good. The exporters'
 * names are checked against the exporters themselves where they are installed (Debian: prometheus-postgres-exporter,
 * prometheus-nginx-exporter).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import getPort from 'get-port'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { MemoryCluster } from '@relais/stage1-memory/test/memory-cluster.ts'
import { PostgresCluster } from '@relais/stage2-postgres/test/postgres-cluster.ts'
import type { Service } from '@relais/shared/http/service.ts'
import { exposed, metricsIn, selectorsIn } from './support/metric-names.ts'
import { EXPRESSIONS, JOBS, RULES } from './support/monitoring-files.ts'
import { NGINX_EXPORTER, POSTGRES_EXPORTER } from './support/monitoring-programs.ts'

/** What Prometheus itself adds to every series: prometheus.yaml's relabelling, and the job. */
const TARGET_LABELS = new Set([
  'job',
  ...JOBS.flatMap((job) => [...job.relabel_configs, ...job.metric_relabel_configs]).map((rule) => rule.target_label),
])
const RECORDED = new Set(RULES.map(({ record }) => record))
const SYNTHETIC = new Set(['up'])

/** The two exporters' names begin so. */
const FOREIGN = /^(pg|nginx)_/

let memory: MemoryCluster
let postgres: PostgresCluster
const children: ChildProcess[] = []

beforeAll(async () => {
  ;[memory, postgres] = await Promise.all([MemoryCluster.start(), PostgresCluster.start({ nodes: ['db1', 'db2'] })])
  await postgres.streaming('db2')
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all([memory?.close(), postgres?.close()])
})

describe('the metrics', () => {
  test('of our services are all that rules and dashboard name, with the labels that they choose by', async () => {
    const known = await ofServices()
    expect(missingIn(known, (metric) => !FOREIGN.test(metric))).toEqual([])
  })

  test('of PostgreSQL are told by its exporter', async ({ skip }) => {
    if (POSTGRES_EXPORTER === undefined) skip('postgres_exporter is not installed (Debian: prometheus-postgres-exporter)')
    const { cluster } = postgres
    const text = await ofExporter(POSTGRES_EXPORTER!, [], {
      DATA_SOURCE_URI: `127.0.0.1:${postgres.node('db1').port}/relais?sslmode=disable`,
      DATA_SOURCE_USER: 'relais_monitor',
      DATA_SOURCE_PASS_FILE: path.join(cluster.secretsDir, 'monitor'),
    })
    expect(text).toMatch(/^pg_up 1$/m)
    expect(missingIn(exposed(text), (metric) => metric.startsWith('pg_'))).toEqual([])
  })

  test('of load balancers are told by their exporter', async ({ skip }) => {
    if (NGINX_EXPORTER === undefined) skip('nginx-prometheus-exporter is not installed (Debian: prometheus-nginx-exporter)')
    const nginx = createServer((_, answer) =>
      answer.end('Active connections: 3 \nserver accepts handled requests\n 7 7 9 \nReading: 0 Writing: 1 Waiting: 2 \n'),
    )
    nginx.listen(0, '127.0.0.1')
    await once(nginx, 'listening')
    const uri = `http://127.0.0.1:${(nginx.address() as AddressInfo).port}/nginx_status`
    const text = await ofExporter(NGINX_EXPORTER!, [`--nginx.scrape-uri=${uri}`], {})
    nginx.close()
    expect(text).toMatch(/^nginx_up(\{.*\})? 1$/m)
    expect(missingIn(exposed(text), (metric) => metric.startsWith('nginx_'))).toEqual([])
  })

  test('count a write that reached a replica, and give up nothing before the first', async () => {
    const refused = async (): Promise<string | undefined> =>
      /^relais_replica_writes_refused_total\{.*\} (\d+)$/m.exec(await metricsOf(memory.node('db2').service))?.[1]
    const before = Number(await refused())
    const response = await memory.node('db2').service.request('/api/data/1', { method: 'DELETE' })
    expect([response.status, Number(await refused())]).toEqual([403, before + 1])
    expect(await metricsOf(memory.node('db1').service)).toMatch(/^relais_replication_given_up_total\{.*replica="db3".*\} 0$/m)
  })
})

describe('the check of names', () => {
  test('finds metrics beside functions, groupings and labels', () => {
    const expression = 'sum by (stage) (rate(a_total{x="b_total"}[1m])) / on (stage) group_left () max(c:d) > 5 and on (instance) up == 1'
    expect([...metricsIn(expression)]).toEqual(['a_total', 'c:d', 'up'])
    expect(selectorsIn('rate(a_total{x="y", z!~"w"}[1m]) + b{q=~"r"}')).toEqual([
      { metric: 'a_total', labels: ['x', 'z'] },
      { metric: 'b', labels: ['q'] },
    ])
  })

  test('misses a metric and a label that nobody tells', () => {
    const known = exposed('# TYPE a counter\na{stage="stage1"} 1\n')
    expect(known).toEqual(new Map([['a', new Set(['stage'])]]))
    const places = missingIn(known, (metric) => metric.startsWith('relais_replication_lag'))
    expect(places).toContain('rule ReplicationLag: relais_replication_lag_seconds')
  })
})

/** Each metric, and each label it is chosen by, that `known` lacks, with its place. */
function missingIn(known: ReadonlyMap<string, ReadonlySet<string>>, concerns: (metric: string) => boolean): string[] {
  return EXPRESSIONS.flatMap(({ place, expr }) => {
    const isTold = (metric: string): boolean => known.has(metric) || RECORDED.has(metric) || SYNTHETIC.has(metric)
    const metrics = [...metricsIn(expr)].filter((metric) => concerns(metric) && !isTold(metric))
    const labels = selectorsIn(expr).flatMap(({ metric, labels: chosen }) =>
      chosen
        .filter((label) => concerns(metric) && !TARGET_LABELS.has(label) && !known.get(metric)?.has(label))
        .map((label) => `${metric}{${label}}`),
    )
    return [...metrics, ...labels].map((name) => `${place}: ${name}`)
  })
}

async function ofServices(): Promise<Map<string, Set<string>>> {
  const services = [memory.node('db1'), memory.node('db2'), postgres.service('db1'), postgres.service('db2')].map(({ service }) => service)
  for (const service of services) await service.request('/api/data')
  const texts = await Promise.all(services.map((service) => metricsOf(service)))
  return exposed(texts.join('\n'))
}

async function metricsOf(service: Service): Promise<string> {
  return (await service.request('/metrics')).text()
}

/** Starts an exporter on a free port and resolves to its first answer. */
async function ofExporter(program: string, args: readonly string[], environment: Record<string, string>): Promise<string> {
  const address = `127.0.0.1:${await getPort()}`
  const child = spawn(program, [`--web.listen-address=${address}`, ...args], { env: { ...process.env, ...environment }, stdio: 'ignore' })
  children.push(child)
  return vi.waitFor(async () => (await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(5_000) })).text(), {
    timeout: 15_000,
    interval: 100,
  })
}
