/** A Hono route that answers a constant: the yardstick for what a read costs before any database is asked. */
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { createServer } from 'node:http'

const body = JSON.stringify({ message: 'a message of an ordinary length, as a person might type it', origin: 'DB1', server: 'DB1' })
const app = new Hono().get('/data', () => new Response(body, { headers: { 'content-type': 'application/json' } }))
const listener = getRequestListener(app.fetch)
createServer((incoming, outgoing) => void listener(incoming, outgoing)).listen(Number(process.env['RELAIS_PORT']), '127.0.0.1', 4096)
