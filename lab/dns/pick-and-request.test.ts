/** Clients that balance by DNS: each has its own answer, a dead instance is dealt like a living one, and the counts say so. */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { topologyOf, type Topology } from '../topology.ts'
import { describePicks, pickAndRequest } from './pick-and-request.ts'
import { RoundRobinNames } from './round-robin-names.ts'
import { serveDns, type DnsServer } from './serve-dns.ts'

let servers: Server[] = []
let dns: DnsServer | undefined
afterEach(() => {
  dns?.close()
  for (const server of servers) server.close()
  servers = []
})

/** Three frontends; the last one has a port that nobody listens on. */
async function played(ttlS: number): Promise<{ topology: Topology; dnsPort: number }> {
  const ports: number[] = []
  for (let i = 0; i < 3; i++) {
    const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports.push((server.address() as AddressInfo).port)
    servers.push(server)
  }
  servers.pop()!.close()
  const original = topologyOf('stage1')
  const nodes = original.nodes.map((node) => (node.tier === 'frontend' ? { ...node, port: ports[node.number - 1]! } : node))
  const topology = { ...original, nodes }
  dns = await serveDns('127.0.0.1', 0, new RoundRobinNames(topology, ttlS))
  return { topology, dnsPort: dns.port }
}

test('deals a dead instance its third', async () => {
  const { topology, dnsPort } = await played(0)
  const lines = describePicks(await pickAndRequest(topology, 'frontend', dnsPort, 9, 1))
  expect(lines[0]).toMatch(/^ {2}1 {2}looked up {2}frontend1 {2}answered 200 in \d+ ms$/)
  expect(lines[2]).toBe('  3  looked up  frontend3  no answer')
  expect(lines.slice(9)).toEqual([
    expect.stringMatching(/^frontend1 {2}answered 3, no answer 0, slowest \d+ ms$/),
    expect.stringMatching(/^frontend2 {2}answered 3, no answer 0, slowest \d+ ms$/),
    'frontend3  answered 0, no answer 3',
  ])
})

test('leaves each client with its own answer as long as it may keep it', async () => {
  const { topology, dnsPort } = await played(30)
  const picks = await pickAndRequest(topology, 'frontend', dnsPort, 30, 3)
  expect(picks.filter(({ wasAsked }) => wasAsked).map(({ instance }) => instance)).toHaveLength(3)
  expect(new Set(picks.map(({ instance }) => instance))).toEqual(new Set(['frontend1', 'frontend2', 'frontend3']))
  expect(picks).toHaveLength(30)
})
