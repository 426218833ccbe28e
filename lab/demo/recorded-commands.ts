/**
 * The two commands that the report recorded with their answers, `/save` at backend-lb and `/data` at db-lb: the same shapes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LocatedStage } from '../runtime/runtime.ts'
import { entryUrl } from '../topology.ts'
import { ask } from './ask.ts'
import type { ClaimSheet } from './claim-sheet.ts'

const ARRIVES_MS_MAX = 3_000

export async function sendRecordedCommands({ topology }: LocatedStage, sheet: ClaimSheet): Promise<void> {
  const message = 'Test data'
  const saveUrl = `${entryUrl(topology, 'backend')}/save`
  sheet.title(`The recorded write: POST ${saveUrl} {"message":"${message}"}`)
  const saved = await ask('POST', saveUrl, { message })
  sheet.line(JSON.stringify(saved.body))
  const { db_response: inner, server_id: serverId, status, ...rest } = saved.body
  const isRecorded =
    JSON.stringify(inner) === JSON.stringify({ message: `Donnée '${message}' sauvegardée sur DB 1` }) &&
    [1, 2, 3].includes(serverId as number) &&
    status === 'success' &&
    Object.keys(rest).length === 0
  sheet.claim('the answer has the recorded shape, and names DB 1', isRecorded, JSON.stringify(saved.body))

  const dataUrl = `${entryUrl(topology, 'db')}/data`
  sheet.title(`The recorded read: GET ${dataUrl}`)
  // Replication is asynchronous: the first answer may come from a replica that does not have the record yet.
  const giveUpAtMs = performance.now() + ARRIVES_MS_MAX
  let read = await ask('GET', dataUrl)
  while (read.body['message'] !== message && performance.now() < giveUpAtMs) {
    await sleep(20)
    read = await ask('GET', dataUrl)
  }
  sheet.line(JSON.stringify(read.body))
  const { server, ...record } = read.body
  const isSame = JSON.stringify(record) === JSON.stringify({ message, origin: 'DB1' }) && /^DB[123]$/.test(String(server))
  sheet.claim('the answer has the recorded shape, written on DB1', isSame, JSON.stringify(read.body))
}
