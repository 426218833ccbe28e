/**
 * What an inner load balancer does with what is said to it: a real Nginx with the repository's files, and played services behind it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import getPort from 'get-port'
import { afterEach, expect, test, vi } from 'vitest'
import { DEFAULT_POLICY, nginxCommand, writeNginxFiles } from '../runtime/nginx-files.ts'
import { topologyOf, type LoadBalancer } from '../topology.ts'
import { ask } from './support/ask.ts'
import { within } from './support/patience.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

/** Nobody listens there. */
const nobody = (): Promise<number> => getPort({ host: '127.0.0.1' })

async function played(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A listener whose queue is full, of a process that is stopped: Linux drops what would connect, and says nothing. */
async function silent(): Promise<number> {
  const script = `const server = require('node:net').createServer(); server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  undo.push(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line)
  child.kill('SIGSTOP')
  for (let queued = 1; queued <= 2; queued++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    undo.push(() => socket.destroy())
    await once(socket, 'connect')
  }
  return port
}

/** The tier's load balancer before these ports, in the order of its instances; resolves to its address when it serves. */
async function balancerBefore(tier: LoadBalancer['tier'], ports: readonly number[]): Promise<string> {
  const topology = topologyOf('stage1')
  const nodes = topology.nodes
    .filter((node) => node.tier === tier)
    .map((node, index) => ({ ...node, port: ports[index]!, url: `http://127.0.0.1:${ports[index]}` }))
  const port = await getPort({ host: '127.0.0.1' })
  const balancer: LoadBalancer = { name: `${tier}-lb`, tier, port, url: `http://127.0.0.1:${port}` }
  const prefix = mkdtempSync(path.join(tmpdir(), 'relais-inner-'))
  undo.push(() => rmSync(prefix, { recursive: true, force: true }))
  writeNginxFiles({ ...topology, nodes, loadBalancers: [balancer] }, balancer, prefix, DEFAULT_POLICY[tier])
  const { command, args } = nginxCommand(balancer, prefix)
  const child = spawn(command, args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  undo.push(() => {
    child.kill('SIGTERM')
    return ended
  })
  await vi.waitUntil(
    () =>
      ask(`${balancer.url}/nginx_status`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    within(10_000),
  )
  return balancer.url
}

/** A replica that cannot serve any read. */
const behind: RequestListener = (_, response) => {
  response.writeHead(503, { 'x-accel-redirect': '@primary' }).end()
}

test.for([
  ['refuses connections', nobody],
  ['does not answer a connection', silent],
] as const)('a read that replicas hand over to a primary that %s is 503 upstream-unavailable', async ([, primary], { skip }) => {
  if (primary === silent && process.platform !== 'linux') skip('what a full queue does is known of Linux only')
  const url = await balancerBefore('db', [await primary(), await played(behind), await played(behind)])
  for (const method of ['GET', 'HEAD']) {
    const answer = await ask(`${url}/api/data`, { method })
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1', 'content-type': 'application/problem+json' } })
    expect(answer.json).toMatchObject(method === 'HEAD' ? {} : { type: 'urn:relais:problem:upstream-unavailable', definite: true })
  }
})

test('a read that replicas hand over to a primary that takes it and goes away is 502 upstream-cut', async () => {
  const cut = await played(({ socket }) => socket.destroy())
  const url = await balancerBefore('db', [cut, await played(behind), await played(behind)])
  expect(await ask(`${url}/api/data`)).toMatchObject({ status: 502, problem: 'upstream-cut' })
})

test('what the edge found out of the client is passed on as far as it has the form of it', async () => {
  const seen: IncomingHttpHeaders[] = []
  const backend = await played(({ headers }, response) => {
    seen.push(headers)
    response.end()
  })
  const url = await balancerBefore('backend', [backend, backend, backend])
  const well = { 'x-real-ip': '192.0.2.7', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'relais.example:8443' }
  await ask(`${url}/api/data`, { headers: { ...well, tracestate: 'vendor=1' } })
  expect(seen.pop()).toMatchObject({ ...well, tracestate: 'vendor=1' })
  await ask(`${url}/api/data`, { headers: { 'x-real-ip': 'me', 'x-forwarded-proto': 'gopher', 'x-forwarded-host': 'a b' } })
  expect(seen.pop()).toMatchObject({ 'x-real-ip': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': '127.0.0.1' })
})
