/** Two loads in turn: who comes first alternates, and what was not measured is not claimed. */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { pairedRatio } from '../bench/statistics/paired-ratio.ts'
import { compareLoads, describeComparedLoads } from './compare-loads.ts'
import type { Load } from './send-load.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

test('asks A and B in turn, and each pair the other way round', async () => {
  const asked: string[] = []
  server = createServer((request, response) => {
    if (asked.at(-1) !== request.url) asked.push(request.url!)
    response.statusCode = request.url === '/b' ? 503 : 200
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const a: Load = { url: `${url}/a`, method: 'GET', headers: {}, body: null, requests: 5, connections: 1, ratePerS: null }
  const compared = await compareLoads(a, { ...a, url: `${url}/b` }, 2, new AbortController().signal)
  // A and B warm up; then A B, and B A, which looks like one B.
  expect(asked).toEqual(['/a', '/b', '/a', '/b', '/a'])
  expect(compared.statuses).toEqual(['200', '503'])
  expect(compared.b).toEqual([0, 0])
  expect(compared.ratio).toBeNull()
})

test.each([
  [[100, 104, 98], [101, 99, 100], 'no difference is shown'],
  [[200, 210, 190], [100, 100, 100], 'A is faster'],
  [[50, 50, 51], [100, 100, 100], 'B is faster'],
])('says of %j against %j: %s', (a, b, verdict) => {
  const lines = describeComparedLoads({ a, b, ratio: pairedRatio(a, b) })
  expect(lines).toHaveLength(4)
  expect(lines[0]).toMatch(/^pair 1   A \d+\/s   B \d+\/s   A\/B \d\.\d\d$/)
  expect(lines.at(-1)).toMatch(new RegExp(`^together A/B \\d\\.\\d\\d \\[\\d\\.\\d\\d, \\d\\.\\d\\d\\]: ${verdict}$`))
})
