/** What is told of an instance that does not serve. */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { reasonNotServing } from './readiness.ts'

let server: Server
afterEach(() => server.close())

async function saying(text: string): Promise<string> {
  server = createServer((_, response) => response.writeHead(503).end(text)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('is the detail of its own answer', async () => {
  const url = await saying(JSON.stringify({ status: 503, detail: 'no word from db1 yet' }))
  expect(await reasonNotServing({ tier: 'db', url })).toBe(' (it runs, and says: no word from db1 yet)')
})

test('is nothing where it says nothing that can be read', async () => {
  const url = await saying('<html>')
  expect(await reasonNotServing({ tier: 'db', url })).toBe('')
  server.close()
  expect(await reasonNotServing({ tier: 'db', url })).toBe('')
})
