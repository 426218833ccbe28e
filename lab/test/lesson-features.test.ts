/**
 * What the lessons switch while a stage runs, on real processes: slow instances, late replicas, policies, sticky routing, the micro-cache.
 *
 * Each is seen working and seen gone: a lesson whose effect stays behind spoils the next one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sendLoad, type Sample } from '../load/send-load.ts'
import { summarize } from '../load/summarize.ts'
import { topologyOf, entryUrl, type Topology } from '../topology.ts'
import { ask, type Answer } from './support/ask.ts'
import { TestCluster, type Outcome } from './test-cluster.ts'

let cluster: TestCluster
let topology: Topology
let frontend: string
beforeAll(async () => {
  cluster = await TestCluster.create('stage1')
  topology = topologyOf('stage1', { portOffset: cluster.portOffset })
  frontend = entryUrl(topology, 'frontend')
  expect(await cluster.lab('up', 'stage1', '--detach')).toMatchObject({ code: 0 })
}, 60_000)
afterAll(() => cluster?.remove(), 60_000)

const LAB_MS = 60_000

async function lab(...args: string[]): Promise<Outcome> {
  const outcome = await cluster.lab(...args)
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  return outcome
}

function load(requests: number, signal = new AbortController().signal): Promise<Sample[]> {
  const url = `${frontend}/api/data?limit=1`
  return sendLoad({ url, method: 'GET', headers: {}, body: null, requests, connections: 8, ratePerS: null }, signal)
}

const urlOf = (name: string): string => topology.nodes.find((node) => node.name === name)!.url
const read = (headers: Record<string, string> = {}): Promise<Answer> => ask(`${frontend}/api/data?limit=1`, { headers })
const idOf = ({ json }: Answer): number => (json.records as { id: number }[])[0]?.id ?? 0
const write = (): Promise<Answer> => ask(`${frontend}/api/data`, { body: { message: 'seen' } })

test('a slow backend gets as many requests as the others by round-robin, and fewer by least-conn', { timeout: LAB_MS }, async () => {
  await lab('slow', 'stage1/backend2', '--delay-ms', '500')
  const { backend: even } = summarize(await load(90)).tiers
  expect(even!['backend2']).toBeGreaterThanOrEqual(27)
  expect((await lab('policy', 'stage1', '--set', 'least-conn', '--tier', 'backend')).stdout).toContain('by least-conn (was round-robin)')
  const { backend: uneven } = summarize(await load(300)).tiers
  expect(uneven!['backend2']).toBeLessThan(60)
  await lab('slow', 'stage1/backend2', '--delay-ms', '0')
  await lab('policy', 'stage1', '--set', 'round-robin', '--tier', 'backend')
  expect((await lab('policy', 'stage1')).stdout).toBe(
    'stage1/frontend-lb balances by round-robin.\nstage1/backend-lb balances by round-robin.\nstage1/db-lb balances by least-conn.\n',
  )
})

test('a replica is late as long as asked, and not longer', { timeout: LAB_MS }, async () => {
  await lab('lag', 'stage1/db2', '--delay-ms', '1500')
  const { json, headers } = await write()
  const late = await ask(`${urlOf('db2')}/api/data?limit=1`)
  expect(idOf(late)).toBeLessThan(json.id as number)
  expect(idOf(await read({ 'x-session-token': String(headers['x-session-token']) }))).toBe(json.id)
  await lab('lag', 'stage1/db2', '--delay-ms', '0')
  await expect.poll(async () => idOf(await ask(`${urlOf('db2')}/api/data?limit=1`)), { timeout: 10_000 }).toBe(json.id)
})

test('a log is shown as it is replicated, and a replica answers by hand what it answers its primary', { timeout: LAB_MS }, async () => {
  for (let i = 0; i < 3; i++) await write()
  const head = Number(String((await write()).headers['x-session-token']).split(':')[1])
  const shown = async (name: string): Promise<string[]> => (await lab('log', `stage1/${name}`, '--limit', '3')).stdout.split('\n')
  const [title, ...entries] = await shown('db1')
  expect(title).toMatch(new RegExp(`^stage1/db1 is at \\d+:${head}: `))
  expect(entries.join('\n')).toMatch(new RegExp(`:${head - 2} .*insert .*"seen".*\\n.*:${head - 1} .*\\n.*:${head} `))
  await expect.poll(async () => (await shown('db3')).slice(1), { timeout: 20_000 }).toEqual(entries)
  const ship = async (...args: string[]): Promise<string> => (await lab('ship', 'stage1/db3', ...args)).stdout.split('\n')[1]!
  expect(await ship()).toMatch(new RegExp(`^200: it is at \\d+:${head}$`))
  expect(await ship('--after', String(head - 3))).toMatch(new RegExp(`^200: it is at \\d+:${head}$`))
  expect(await ship('--after', String(head + 9))).toMatch(new RegExp(`^409 gap: its last entry is \\d+:${head}, it expects ${head + 1}$`))
  expect(await ship('--damage')).toMatch(/^409 damaged: /)
  expect((await shown('db3')).slice(1)).toEqual(entries)
})

test('backoff draws the waves of each jitter, and says what they come to', async () => {
  const { stdout } = await lab('backoff', '--clients', '40')
  const [none, equal, full] = stdout.split('\n\n')
  expect(none).toMatch(/^no jitter: .*\n {2}0\.00 s away {4}40 █{50}\n/)
  expect(none).toContain('40 clients, 200 calls, 160 of them in vain; highest wave after the first second: 40 calls in 50 ms')
  const highest = [none, equal, full].map((drawn) => Number(/first second: (\d+) calls/.exec(drawn!)![1]))
  expect(highest).toEqual(highest.toSorted((a, b) => b - a))
  expect(JSON.parse((await lab('backoff', '--jitter', 'full', '--json')).stdout)).toMatchObject([{ jitter: 'full' }])
})

test('a sticky visitor keeps one frontend, and another when it dies, without its memory', { timeout: LAB_MS }, async () => {
  await lab('policy', 'stage1', '--set', 'sticky')
  const visit = (cookie: string): Promise<Answer> => ask(`${frontend}/visits/memory`, { method: 'POST', headers: { cookie } })
  const { json, headers } = await visit('')
  const cookie = [headers['set-cookie']]
    .flat()
    .map((line) => String(line).split(';')[0])
    .join('; ')
  expect(cookie).toMatch(/relais_route=.*relais_visitor=|relais_visitor=.*relais_route=/)
  for (const visits of [2, 3, 4]) expect((await visit(cookie)).json).toMatchObject({ visits, servedBy: json.servedBy })
  // The cookie of one visitor must not come with what a cache gives to others.
  const { text } = await ask(`${frontend}/`, { headers: { accept: 'text/html' } })
  const asset = await ask(frontend + /href="(\/assets\/style[^"]+)"/.exec(text)![1]!)
  expect(asset.headers['cache-control']).toMatch(/public/)
  expect(asset.headers).not.toHaveProperty('set-cookie')
  await lab('kill', `stage1/${String(json.servedBy)}`)
  expect((await visit(cookie)).json).toMatchObject({ visits: 1 })
  await lab('start', `stage1/${String(json.servedBy)}`)
  await lab('policy', 'stage1', '--set', 'round-robin', '--tier', 'frontend')
})

test('the micro-cache keeps answers, and never hides from a session what it wrote', { timeout: LAB_MS }, async () => {
  await lab('cache', 'stage1', '--set', 'on')
  await lab('cache', 'stage1', '--set', 'on', '--tier', 'backend')
  await lab('lag', 'stage1/db2', '--delay-ms', '300')
  const before = await write()
  // Somebody else fills both caches, again and again, also from a replica that is late, so that there is something to hide behind.
  const others = new AbortController()
  const filling = load(1_000_000, others.signal)
  const token = { 'x-session-token': String(before.headers['x-session-token']) }
  const seen = new Set<unknown>()
  for (let i = 0; i < 10; i++) {
    seen.add((await read()).headers['x-cache'])
    const { json, headers } = await write()
    const own = await read({ 'x-session-token': String(headers['x-session-token']) })
    expect(own.headers['x-cache']).toBe('BYPASS')
    expect(idOf(own)).toBe(json.id)
  }
  others.abort()
  await filling
  expect(seen).toContain('HIT')
  expect((await read(token)).headers['x-cache']).toBe('BYPASS')
  // What is no token must be refused as it is without the cache. To Nginx, "0" is as good as nothing.
  expect((await read({ 'x-session-token': '0' })).status).toBe(400)
  expect((await read({ 'x-read-from': 'primary' })).headers['x-cache']).toBe('BYPASS')
  // What the load balancer keeps for a second, nobody else may keep; and a condition that it looks at itself is refused in our shape.
  await expect.poll(async () => (await read()).headers).toMatchObject({ 'x-cache': 'HIT', 'cache-control': 'no-store' })
  expect(await read({ 'if-match': '"old"' })).toMatchObject({ status: 412, problem: 'precondition-failed' })
  for (const tier of ['frontend', 'backend']) await lab('cache', 'stage1', '--set', 'off', '--tier', tier)
  await lab('lag', 'stage1/db2', '--delay-ms', '0')
  expect((await read()).headers).not.toHaveProperty('x-cache')
})

test.each([
  ['slow', ['slow', 'stage1/db-lb', '--delay-ms', '5'], 'expected a frontend, a backend or a database'],
  ['lag', ['lag', 'stage1/db1', '--delay-ms', '5'], 'expected a replica'],
  ['policy', ['policy', 'stage1', '--set', 'sticky', '--tier', 'db'], 'goes no further than the frontends'],
  ['log', ['log', 'stage1/backend1'], 'expected a database of stage 1'],
  ['ship', ['ship', 'stage1/db1'], 'expected a replica of stage 1'],
  ['ship', ['ship', 'stage1/db2', '--epoch', '99'], 'expected a whole number from 1 to'],
  ['backoff', ['backoff', '--base-ms', '100', '--cap-ms', '50'], 'expected at least --base-ms, 100'],
  ['storm', ['storm', '--failing', '101'], 'expected a whole number from 0 to 100'],
  ['cache', ['cache', 'stage1', '--set', 'on', '--tier', 'db'], 'It is one of frontend, backend.'],
  ['connections', ['connections', 'stage1/db1'], 'has no PostgreSQL'],
  ['load', ['load', 'localhost:8080'], 'expected one like http://'],
  ['load', ['load', 'http://localhost:8080', '--seconds', '1', '--requests', '1'], 'Leave out one of the two'],
  ['load', ['load', 'http://localhost:8080', '--pairs', '4'], '--pairs belongs to --against'],
  ['dns', ['dns', 'stage1', '--clients', '4'], '--clients belongs to --ask'],
  ['pause', ['pause', 'stage1/db2', '--for-ms', '0'], 'expected a whole number from 1'],
  ['walk', ['walk', '--check', '3-1'], 'expected the lower number first'],
])('%s names what it expected when it was asked wrongly, and exits with 2', async (_, args, words) => {
  const outcome = await cluster.lab(...args)
  expect(outcome).toMatchObject({ code: 2, stdout: '' })
  expect(outcome.stderr).toContain(words)
})

test('a pause of a known length ends by itself', { timeout: LAB_MS }, async () => {
  const { stdout } = await lab('pause', 'stage1/db2', '--for-ms', '100')
  expect(stdout).toMatch(/^stage1\/db2 paused .*\nstage1\/db2 resumed/)
  expect((await ask(`${urlOf('db2')}/api/data?limit=1`)).status).toBe(200)
})

test('dns deals a dead instance like any other', { timeout: LAB_MS }, async () => {
  await lab('kill', 'stage1/frontend3')
  const { stdout } = await lab('dns', 'stage1', '--ask', '6')
  expect(stdout).toMatch(
    /^frontend1 {2}answered 2, no answer 0, .*\nfrontend2 {2}answered 2, no answer 0, .*\nfrontend3 {2}answered 0, no answer 2$/m,
  )
  await lab('start', 'stage1/frontend3')
})
