/**
 * The least that could stand in a tier: `node:http` that passes a request on, or at the end answers a constant.
 *
 * No identity, no validation, no log, no metrics, no deadline: the yardstick for what ours cost.
 */
import { Agent, createServer, request } from 'node:http'

const { RELAIS_PORT, RELAIS_UPSTREAM } = process.env
const agent = new Agent({ keepAlive: true, maxSockets: 512 })
const body = JSON.stringify({ message: 'Test data', origin: 'DB1', server: 'DB2' })

createServer({ keepAliveTimeout: 75_000 }, (incoming, outgoing) => {
  if (RELAIS_UPSTREAM === undefined) {
    outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    outgoing.end(body)
    return
  }
  const target = new URL(incoming.url ?? '/', RELAIS_UPSTREAM)
  const upstream = request(target, { method: incoming.method ?? 'GET', headers: incoming.headers, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  upstream.on('error', () => outgoing.destroy())
  incoming.pipe(upstream)
}).listen(Number(RELAIS_PORT), '127.0.0.1', 4096)
