/** Round-robin DNS over real UDP: each answer begins with another instance, a kept answer does not move, dead or not is unknown. */
import { afterEach, expect, test } from 'vitest'
import { nodesOf, topologyOf } from '../topology.ts'
import { DnsClient } from './dns-client.ts'
import { nameOf, RoundRobinNames } from './round-robin-names.ts'
import { serveDns, type DnsServer } from './serve-dns.ts'

const topology = topologyOf('stage1')
let server: DnsServer | undefined
afterEach(() => {
  server?.close()
  server = undefined
})

async function clientOf(ttlS: number, nowMs?: () => number): Promise<DnsClient> {
  server = await serveDns('127.0.0.1', 0, new RoundRobinNames(topology, ttlS))
  return new DnsClient({ host: '127.0.0.1', port: server.port }, nowMs)
}

async function picks(client: DnsClient, count: number): Promise<number[]> {
  const ports = []
  for (let i = 0; i < count; i++) ports.push((await client.pick(nameOf('backend'))).address.port)
  return ports
}

test('deals the three instances in turn to a client that asks each time', async () => {
  const ports = nodesOf(topology, 'backend').map(({ port }) => port)
  expect(await picks(await clientOf(0), 6)).toEqual([...ports, ...ports])
})

test('leaves a client with its first answer until the time to live is over', async () => {
  let nowMs = 0
  const client = await clientOf(30, () => nowMs)
  const [first, second] = nodesOf(topology, 'backend').map(({ port }) => port)
  expect(await picks(client, 3)).toEqual([first, first, first])
  nowMs = 30_000
  expect(await picks(client, 2)).toEqual([second, second])
})

test.each([
  ['a tier', 'backend.relais.test', 'SRV', 0, 3],
  ['a tier, asked for an address', 'backend.relais.test', 'A', 0, 0],
  ['the zone itself', 'relais.test', 'SRV', 0, 0],
  ['nobody of the zone', 'queue.relais.test', 'SRV', 3, 0],
  ['another zone', 'example.com', 'A', 5, 0],
] as const)('answers for %s: %s %s with code %i and %i records', (_, name, type, code, count) => {
  const answer = new RoundRobinNames(topology, 0).answer({ id: 1, questions: [{ name, type }] })
  expect([answer.flags! & 0xf, answer.answers?.length ?? 0]).toEqual([code, count])
})

test('says that a name does not exist, and that the server is not there', async () => {
  const client = await clientOf(0)
  await expect(client.pick('queue.relais.test')).rejects.toThrow('knows no service of that name')
  server!.close()
  server = undefined
  await expect(client.pick(nameOf('db'))).rejects.toThrow(/^Failed to look up db\.relais\.test/)
})
