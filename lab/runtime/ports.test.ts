/** A taken port is found before anything starts, with the one who has it. */
import { createServer, type AddressInfo, type Server } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { findTakenPorts } from './ports.ts'

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
