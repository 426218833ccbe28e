/**
 * Plays a stage 1 replica that needs next to no processor: it reads what the primary sends, and confirms it with a genuine signature.
 * Nothing is checked or kept.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Holdings } from '@relais/stage1-memory/replication/messages.ts'
import { SIGNATURE, Signer } from '@relais/stage1-memory/replication/signature.ts'

const signer = new Signer(readFileSync(process.env['RELAIS_SECRET_FILE']!, 'utf8').trim())
const nothing = { epoch: 0, lsn: 0 }
/** To the primary's first question, as a replica that has only just begun. */
const HOLDINGS = JSON.stringify({ position: nothing, last: nothing, isWhole: true, wasLevel: false } satisfies Holdings)
/** The primary goes by what it has sent, and reads nothing but the epoch out of this. */
const CONFIRMED = JSON.stringify({ position: { epoch: 1, lsn: 0 } })

createServer((incoming, outgoing) => {
  incoming.resume()
  incoming.on('end', () => {
    const body = incoming.method === 'GET' ? HOLDINGS : CONFIRMED
    const signature = incoming.headers[SIGNATURE]
    const headers = typeof signature === 'string' ? { [SIGNATURE]: signer.signAnswer(signature, { status: 200, body }) } : {}
    outgoing.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body)
  })
}).listen(Number(process.env['RELAIS_PORT']), '127.0.0.1')
