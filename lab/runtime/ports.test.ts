/** A taken port is found before anything starts, with the one who has it. */
import { createServer, type AddressInfo, type Server } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { parseArguments } from '../command-line/parse-arguments.ts'
import { readUpRequest, UP_OPTIONS } from '../commands/up-options.ts'
import { portsIn, topologyOf } from '../topology.ts'
import { findTakenPorts, refuseTakenPorts } from './ports.ts'

let server: Server | undefined
afterEach(() => {
  server?.close()
})

test('names the port and its holder', async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [taken, ...more] = await findTakenPorts('127.0.0.1', new Map([['db-lb', port]]))
  expect(more).toEqual([])
  expect(taken).toMatchObject({ name: 'db-lb', port })
  // Other systems do not tell.
  expect(taken?.holder?.pid).toBe(process.platform === 'linux' ? process.pid : undefined)
})

test('finds nothing where all is free', async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  expect(await findTakenPorts('127.0.0.1', new Map([['db-lb', port]]))).toEqual([])
})

test.each(['frontend-lb', 'postgres1'])('advises, for a taken %s, an option that `up` of both stages takes', async (name) => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const refusal = (await refuseTakenPorts(topologyOf('stage2'), new Map([[name, port]])).catch((error: unknown) => error)) as Error
  const advised = /--port \S+=PORT/.exec(refusal.message)?.[0].replace('PORT', '5000') ?? 'no advice'
  const { topologies } = readUpRequest(parseArguments('up', advised.split(' '), UP_OPTIONS, 1), {})
  expect(portsIn(topologies[1]!).get(name)).toBe(5000)
})
