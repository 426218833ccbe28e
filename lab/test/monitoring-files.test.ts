/** The monitoring's files against each other, against the topology, and against Prometheus' own checker where it is installed. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { testNginxFiles, writeNginxFiles } from '../runtime/nginx-files.ts'
import { findProgram } from '../setup/find-program.mjs'
import { STAGE_NAMES, topologyOf } from '../topology.ts'
import { DASHBOARD, JOBS, MONITORING, read, RULES, SOURCES } from './support/monitoring-files.ts'

const UNITS = new Set(['none', 'short', 's', 'bytes', 'percentunit', 'reqps', 'ops'])
const COLUMNS = 24

describe('Prometheus', () => {
  const promtool = findProgram('promtool')

  test.for([
    ['accepts its configuration', 'check', 'config', 'prometheus.yaml'],
    ['accepts the rules', 'check', 'rules', 'rules.yaml'],
    ['raises each alarm when it must and not otherwise', 'test', 'rules', 'rules.test.yaml'],
  ])('%s', async ([, ...args], { skip }) => {
    if (promtool === undefined) skip('promtool is not installed (Debian: prometheus)')
    await expect(promisify(execFile)(promtool!, args, { cwd: MONITORING, timeout: 20_000 })).resolves.toBeDefined()
  })

  test('has a test for each alarm', () => {
    const alarms = RULES.flatMap(({ alert }) => alert ?? [])
    expect(alarms.length).toBeGreaterThan(5)
    expect(alarms.filter((alarm) => !read('rules.test.yaml').includes(`alertname: ${alarm}\n`))).toEqual([])
  })

  test('gives each alarm a severity, a sentence and a row in the README', () => {
    const bare = RULES.filter(({ alert, labels, annotations }) => alert !== undefined && !(labels?.['severity'] && annotations))
    expect(bare).toEqual([])
    const rows = [...read('README.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!)
    expect(rows.filter((name) => /^[A-Z]/.test(name)).toSorted()).toEqual(RULES.flatMap(({ alert }) => alert ?? []).toSorted())
  })

  test('asks every service of the topology on its port, and every PostgreSQL server’s exporter', () => {
    const nodes = STAGE_NAMES.flatMap((stage) => topologyOf(stage).nodes.map((node) => ({ stage, ...node })))
    expect(targetsOf('services')).toEqual(nodes.map(({ stage, name, port }) => `${stage}-${name}:${port}`))
    const servers = nodes.filter(({ postgresPort }) => postgresPort !== null)
    expect(targetsOf('postgres')).toEqual(servers.map(({ stage, name }) => `${stage}-${name}-postgres-exporter:9187`))
  })

  test('names every target by its stage, its instance and its tier', () => {
    const { relabel_configs } = JOBS.find(({ job_name }) => job_name === 'services')!
    const labels = Object.fromEntries(
      relabel_configs.map(({ regex, target_label }) => [target_label, new RegExp(`^(?:${regex})$`).exec('stage2-backend3:19006')?.[1]]),
    )
    expect(labels).toEqual({ stage: 'stage2', instance: 'backend3', tier: 'backend' })
  })

  function targetsOf(name: string): string[] {
    return JOBS.find(({ job_name }) => job_name === name)!.static_configs.flatMap(({ targets }) => targets)
  }
})

describe('the exporter of load balancers', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'relais-status-server-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test.each(STAGE_NAMES.flatMap((stage) => topologyOf(stage).loadBalancers.map((balancer) => ({ stage, name: balancer.name, balancer }))))(
    'is sent to $stage/$name, whose files Nginx accepts with the status server',
    async ({ stage, name, balancer }) => {
      expect(read('compose.yaml')).toContain(`- --nginx.scrape-uri=http://${stage}-${name}:8090/nginx_status\n`)
      const prefix = path.join(directory, stage, name)
      writeNginxFiles(topologyOf(stage), balancer, prefix, null)
      writeFileSync(path.join(prefix, 'conf/generated/status-server.conf'), 'include snippets/status-server.conf;\n')
      await expect(testNginxFiles(balancer, prefix)).resolves.toBeUndefined()
    },
  )
})

describe('the exporter of a PostgreSQL server', () => {
  test('is started when there is a password, and ended when there is another one', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'relais-exporter-'))
    const file = path.join(directory, 'monitor')
    const said: string[] = []
    const exporter = ['sh', '-c', 'echo "it serves"; exec sleep 60']
    const child = spawn('sh', [path.join(MONITORING, 'start-postgres-exporter.sh'), ...exporter], {
      env: { ...process.env, DATA_SOURCE_PASS_FILE: file },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
      rmSync(directory, { recursive: true })
    })
    child.stdout.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    const ended = new Promise((resolve) => void child.once('exit', (_, signal) => resolve(signal)))
    // As compose/secrets/make-secrets.sh writes it: without an end of line.
    writeFileSync(file, 'the first')
    await expect.poll(() => said.join('')).toContain('it serves')
    rmSync(file)
    writeFileSync(file, 'the second')
    expect(await ended).toBe('SIGTERM')
    expect(said.join('')).toContain('the password is another one')
  })
})

describe('the dashboard', () => {
  const panels = DASHBOARD.panels.filter(({ type }) => type !== 'row')

  test('takes everything from the source that is provisioned', () => {
    const source = SOURCES.map(({ uid }) => uid)
    expect(source).toHaveLength(1)
    const used = [
      ...panels.flatMap(({ datasource, targets }) => [datasource?.uid, ...targets.map((target) => target.datasource.uid)]),
      ...DASHBOARD.templating.list.map(({ datasource }) => datasource.uid),
    ]
    expect([...new Set(used)]).toEqual(source)
  })

  test('has in each panel a sentence, a unit, and what it shows', () => {
    expect(panels.length).toBeGreaterThan(10)
    const poor = panels.filter(
      ({ description, fieldConfig, targets }) => !description || !UNITS.has(fieldConfig?.defaults.unit ?? '') || !targets.length,
    )
    expect(poor.map(({ title }) => title)).toEqual([])
  })

  test('has each id and each title once, and is explained in the README', () => {
    const ids = DASHBOARD.panels.map(({ id }) => id)
    const titles = panels.map(({ title }) => title)
    expect([new Set(ids).size, new Set(titles).size]).toEqual([ids.length, titles.length])
    expect(titles.filter((title) => !read('README.md').includes(`| ${title} |`))).toEqual([])
  })

  test('lays its panels side by side, none over another', () => {
    const places = DASHBOARD.panels.flatMap(({ title, gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => ({ title, cell: `${x + (index % w)},${y + Math.floor(index / w)}`, right: x + w })),
    )
    expect(places.filter(({ right }) => right > COLUMNS)).toEqual([])
    expect(new Set(places.map(({ cell }) => cell)).size).toBe(places.length)
  })

  test('asks for the stage that was chosen in every panel', () => {
    const all = panels.flatMap(({ title, targets }) => targets.filter(({ expr }) => !expr.includes('stage=~"$stage"')).map(() => title))
    expect(all).toEqual([])
  })

  test('shows nobody as down whose stage was never started', () => {
    const { targets } = panels.find(({ title }) => title === 'Instances')!
    expect(targets).toHaveLength(3)
    expect(targets.filter(({ expr }) => !expr.endsWith(' and on (stage) relais:stage_in_use:max10m == 1'))).toEqual([])
  })
})
