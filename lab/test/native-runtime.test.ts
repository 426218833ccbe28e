/**
 * The native runtime, driven through the command line: real processes, real Nginx, its own ports and state directory.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findFamily, lookUpProcess } from '../runtime/process-table.ts'
import { findTakenPorts } from '../runtime/ports.ts'
import { readStageState, type StageState } from '../runtime/stage-state.ts'
import type { InstanceStatus } from '../stage-status.ts'
import { portsIn, topologyOf } from '../topology.ts'
import { CLI, TestCluster } from './test-cluster.ts'

const stateOf = (cluster: TestCluster): StageState => readStageState(path.join(cluster.stateDirectory, 'stage1', 'state.json'))!

async function instanceOf(cluster: TestCluster, name: string): Promise<InstanceStatus> {
  return (await cluster.status('stage1')).instances.find((instance) => instance.name === name)!
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** No process, no port, no CPU group, no state. */
async function expectNothingLeft(cluster: TestCluster, before: StageState): Promise<void> {
  const identities = before.instances.flatMap(({ processes }) => processes.flatMap(({ identity }) => identity ?? []))
  expect(identities.flatMap((identity) => findFamily(identity))).toEqual([])
  expect(await findTakenPorts('127.0.0.1', portsIn(before.topology))).toEqual([])
  expect(before.instances.filter(({ cpuGroup }) => cpuGroup && existsSync(cpuGroup))).toEqual([])
  const files = readdirSync(path.join(cluster.stateDirectory, 'stage1')).filter((name) => name !== 'nginx')
  expect(files.sort()).toEqual(['data', 'logs'])
}

describe('a running stage', () => {
  let cluster: TestCluster
  const silent: Socket[] = []
  beforeAll(async () => {
    cluster = await TestCluster.create('stage1')
    const { code, stdout, stderr } = await cluster.lab('up', 'stage1', '--detach')
    expect(stderr).toBe('')
    expect(stdout).toContain('stage1 is ready')
    expect(code).toBe(0)
  })
  afterAll(async () => {
    for (const socket of silent) socket.destroy()
    await cluster.remove()
  })

  test('is ready in every instance, and says where each one is', async () => {
    const status = await cluster.status('stage1')
    expect(status).toMatchObject({ state: 'ready', runtime: 'native' })
    const topology = topologyOf('stage1', { portOffset: cluster.portOffset })
    expect(status.loadBalancers).toEqual(Object.fromEntries(topology.loadBalancers.map(({ tier, url }) => [tier, url])))
    expect(status.instances).toHaveLength(12)
    expect(status.instances.every(({ state, pid }) => state === 'ready' && lookUpProcess(pid!))).toBe(true)
    expect(status.instances.filter(({ tier }) => tier === 'db').map(({ role }) => role)).toEqual(['primary', 'replica', 'replica'])
    expect(status.instances.find(({ name }) => name === 'db1')).toMatchObject({
      position: expect.stringMatching(/^\d+:\d+$/),
      lagRecords: null,
    })
    expect(status.instances.find(({ name }) => name === 'db2')).toMatchObject({
      position: expect.any(String),
      lagRecords: 0,
      lagBytes: null,
    })
    expect(status.instances.find(({ name }) => name === 'frontend1')).toMatchObject({ role: null, position: null, lagMs: null })
  })

  test('keeps its secret to its owner', () => {
    expect(statSync(path.join(cluster.stateDirectory, 'stage1', 'secret')).mode & 0o777).toBe(0o600)
  })

  test('passes the demo of the report', async () => {
    const { code, stdout } = await cluster.lab('demo', 'stage1')
    expect(stdout).toContain('All 9 claims hold.')
    expect(code).toBe(0)
  })

  test('is not started twice', async () => {
    const { code, stderr } = await cluster.lab('up', 'stage1', '--detach')
    expect(code).toBe(1)
    expect(stderr).toContain('already runs')
  })

  test('shows a killed replica as dead and one that was started again as ready', async () => {
    const { pid } = await instanceOf(cluster, 'db2')
    expect((await cluster.lab('kill', 'stage1/db2')).stdout).toBe(`stage1/db2 killed (SIGKILL, pid ${pid}).\n`)
    expect(lookUpProcess(pid!)).toBeUndefined()
    expect(await instanceOf(cluster, 'db2')).toMatchObject({ state: 'dead', pid: null, position: null, lagRecords: null })
    expect((await cluster.status('stage1')).state).toBe('degraded')
    expect((await cluster.lab('kill', 'stage1/db2')).code).toBe(1)
    expect((await cluster.lab('start', 'stage1/db2')).stdout).toMatch(/^stage1\/db2 started \(pid \d+\), ready in \d+ ms\.\n$/)
    expect((await cluster.status('stage1')).state).toBe('ready')
  })

  test('shows a stopped backend as stopped', async () => {
    expect((await cluster.lab('stop', 'stage1/backend1')).code).toBe(0)
    expect(await instanceOf(cluster, 'backend1')).toMatchObject({ state: 'stopped', pid: null })
    expect((await cluster.lab('pause', 'stage1/backend1')).code).toBe(1)
    expect((await cluster.lab('stop', 'stage1/backend1')).stdout).toContain('was not running')
    expect((await cluster.lab('start', 'stage1/backend1')).code).toBe(0)
    expect((await cluster.lab('start', 'stage1/backend1')).stdout).toContain('already runs')
  })

  test('pauses and resumes an instance', async () => {
    const { pid } = await instanceOf(cluster, 'db3')
    await cluster.lab('pause', 'stage1/db3')
    expect(await instanceOf(cluster, 'db3')).toMatchObject({ state: 'paused', pid })
    await cluster.lab('resume', 'stage1/db3')
    expect(await instanceOf(cluster, 'db3')).toMatchObject({ state: 'ready', pid })
  })

  test('kills a load balancer with its workers, and starts it on the same port', async () => {
    const { pid } = await instanceOf(cluster, 'db-lb')
    const family = findFamily(lookUpProcess(pid!)!)
    expect(family.length).toBeGreaterThan(1)
    await cluster.lab('kill', 'stage1/db-lb')
    expect(family.flatMap((member) => lookUpProcess(member.pid) ?? [])).toEqual([])
    expect((await cluster.lab('start', 'stage1/db-lb')).code).toBe(0)
    expect((await cluster.status('stage1')).state).toBe('ready')
  })

  test('shows an instance that died by itself as dead, and takes its port from the workers it left', async () => {
    const { pid } = await instanceOf(cluster, 'backend-lb')
    process.kill(pid!, 'SIGKILL')
    await expect.poll(async () => (await instanceOf(cluster, 'backend-lb')).state).toBe('dead')
    expect((await cluster.lab('start', 'stage1/backend-lb')).code).toBe(0)
    expect((await cluster.status('stage1')).state).toBe('ready')
  })

  test('goes down with one replica paused, another killed and silent connections open, and leaves nothing behind', async () => {
    await cluster.lab('pause', 'stage1/db2')
    await cluster.lab('kill', 'stage1/db3')
    const before = stateOf(cluster)
    // As a browser does in advance: Nginx would wait ten seconds for the request.
    for (const { port } of before.topology.loadBalancers) silent.push(await connected(port))
    const { code, stdout } = await cluster.lab('down')
    expect(stdout).toMatch(/^stage1 stopped: \d+ processes in [\d.]+ s\.$/m)
    expect(code).toBe(0)
    await expectNothingLeft(cluster, before)
    expect(await cluster.lab('down')).toMatchObject({ code: 0, stdout: 'stage1 does not run.\nstage2 does not run.\n' })
    expect(await cluster.status('stage1')).toEqual({ state: 'stopped', runtime: null, loadBalancers: null, instances: [] })
    expect((await cluster.lab('kill', 'stage1/db2')).stderr).toContain('stage1 does not run')
    expect((await cluster.lab('demo')).code).toBe(2)
  })
})

describe('up', () => {
  let cluster: TestCluster
  beforeEach(async () => {
    cluster = await TestCluster.create('stage1')
  })
  afterEach(() => cluster.remove())

  /** `up` in the foreground, with its output as it grows. */
  function startForeground(...args: string[]): { child: ReturnType<typeof spawn>; output: () => string; ended: Promise<unknown[]> } {
    const child = spawn(process.execPath, [CLI, 'up', 'stage1', ...args], { env: cluster.environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    return { child, output: () => text, ended: once(child, 'close') }
  }

  const UP_MS_MAX = 20_000

  test('in the foreground says at once who died, and stops all on Ctrl-C', async () => {
    const { child, output, ended } = startForeground()
    await expect.poll(output, { timeout: UP_MS_MAX }).toContain('Ctrl-C stops everything.')
    const { pid } = await instanceOf(cluster, 'frontend2')
    process.kill(pid!, 'SIGKILL')
    await expect.poll(output).toContain(`stage1/frontend2 (pid ${pid}) died by itself.`)
    await cluster.lab('kill', 'stage1/db2')
    await expect.poll(output).toMatch(/stage1\/db2 \(pid \d+\) was killed/)
    await cluster.lab('start', 'stage1/db2')
    await expect.poll(output).toContain('stage1/db2 runs again')
    const before = stateOf(cluster)
    child.kill('SIGINT')
    expect((await ended)[0]).toBe(0)
    expect(output()).toMatch(/stage1 stopped in [\d.]+ s\.\n$/)
    await expectNothingLeft(cluster, before)
  })

  test('ends when another shell takes the stage down', async () => {
    const { output, ended } = startForeground()
    await expect.poll(output, { timeout: UP_MS_MAX }).toContain('Ctrl-C stops everything.')
    await cluster.lab('down')
    expect((await ended)[0]).toBe(0)
    expect(output()).toMatch(/Stopped from another shell\.\n$/)
  })

  test('that was killed leaves a stage that status sees and down ends', async () => {
    const { child, output, ended } = startForeground()
    await expect.poll(output, { timeout: UP_MS_MAX }).toContain('Ctrl-C stops everything.')
    child.kill('SIGKILL')
    await ended
    expect((await cluster.status('stage1')).state).toBe('ready')
    const before = stateOf(cluster)
    expect((await cluster.lab('down')).code).toBe(0)
    await expectNothingLeft(cluster, before)
  })

  test('that was killed half-way leaves nothing that down cannot end', async () => {
    const { child, ended } = startForeground()
    const file = path.join(cluster.stateDirectory, 'stage1', 'state.json')
    await expect
      .poll(() => existsSync(file) && readFileSync(file, 'utf8').includes('"pid"'), { interval: 1, timeout: UP_MS_MAX })
      .toBe(true)
    child.kill('SIGKILL')
    await ended
    const before = stateOf(cluster)
    expect(before.phase).toBe('starting')
    expect((await cluster.lab('down')).code).toBe(0)
    await expectNothingLeft(cluster, before)
  })

  test('refuses a taken port by naming it and its holder, and starts nothing', async () => {
    const port = 8084 + cluster.portOffset
    const holder = createServer().listen(port, '127.0.0.1')
    await once(holder, 'listening')
    const { code, stderr } = await cluster.lab('up', 'stage1', '--detach')
    holder.close()
    expect(code).toBe(1)
    expect(stderr).toContain(`port ${port} of db-lb is taken by`)
    // Other systems do not tell who has a port.
    expect(stderr).toContain(process.platform === 'linux' ? `pid ${process.pid}` : 'another process')
    expect((await cluster.status('stage1')).state).toBe('stopped')
  })

  test('names the instance that does not start, with its own words, and leaves nothing running', async () => {
    cluster.environment['RELAIS_LOG_LEVEL'] = 'shouting'
    const { code, stderr } = await cluster.lab('up', 'stage1', '--detach')
    delete cluster.environment['RELAIS_LOG_LEVEL']
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Failed to start stage1\/[a-z]+\d: service ended with exit code 2\.\n/)
    expect(stderr).toContain('RELAIS_LOG_LEVEL is "shouting"')
    expect((await cluster.status('stage1')).state).toBe('stopped')
    expect(await findTakenPorts('127.0.0.1', portsIn(topologyOf('stage1', { portOffset: cluster.portOffset })))).toEqual([])
  })

  test('with single runs one instance a tier without a load balancer', async () => {
    expect((await cluster.lab('up', 'stage1', '--detach', '--single')).code).toBe(0)
    const status = await cluster.status('stage1')
    expect(status).toMatchObject({ state: 'ready', loadBalancers: null })
    expect(status.instances.map(({ name }) => name)).toEqual(['frontend1', 'backend1', 'db1'])
    const page = await (await fetch(status.instances[0]!.url, { headers: { accept: 'text/html', 'accept-language': 'en' } })).text()
    expect(page).toContain('one instance each and no load balancer')
    expect((await cluster.lab('demo')).code).toBe(0)
  })

  test('holds each instance to its share of CPU, or says that it cannot', async () => {
    const { code, stdout } = await cluster.lab('up', 'stage1', '--detach', '--single', '--cpu-per-instance', '0.5')
    expect(code).toBe(0)
    expect(stdout).toMatch(/each instance is held to 0\.5 of a core|CPU is NOT limited/)
    const before = stateOf(cluster)
    const isOutside = ({ cpuGroup, processes }: StageState['instances'][number]): boolean =>
      cpuGroup !== null &&
      !readFileSync(path.join(cpuGroup, 'cgroup.procs'), 'utf8').split('\n').includes(String(processes[0]!.identity!.pid))
    expect(before.instances.filter(isOutside)).toEqual([])
    await cluster.lab('down')
    await expectNothingLeft(cluster, before)
  })
})
