/**
 * One write, followed: from the edge to the primary, then asked for at each database directly until it is there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LocatedStage } from '../runtime/runtime.ts'
import { entryUrl, nodesOf, type Node } from '../topology.ts'
import { ask } from './ask.ts'
import type { ClaimSheet } from './claim-sheet.ts'

const ARRIVES_MS_MAX = 5_000

export async function followWrite({ topology }: LocatedStage, sheet: ClaimSheet): Promise<void> {
  const url = `${entryUrl(topology, 'frontend')}/api/data`
  const message = `followed ${new Date().toISOString()}`
  sheet.title(`One write, followed: POST ${url} {"message":"${message}"}`)
  const written = await ask('POST', url, { message })
  const id = Number(written.body['id'])
  sheet.line(`${written.status}  ${written.servedBy.join(' ─▶ ')}  id ${id}`)
  const arrivals = await Promise.all(nodesOf(topology, 'db').map((node) => waitForRecord(node, id, message)))
  for (const { node, afterMs } of arrivals) {
    const when = afterMs === undefined ? `not after ${ARRIVES_MS_MAX / 1000} s` : `there ${afterMs.toFixed(0)} ms after the answer`
    sheet.line(`${node.name} (${node.role}) ${node.url}/api/data/${id}: ${when}`)
  }
  const missing = arrivals.filter(({ afterMs }) => afterMs === undefined).map(({ node }) => node.name)
  sheet.claim('the write is in every database', missing.length === 0, `none in ${missing.join(', ')}`)
}

async function waitForRecord(node: Node, id: number, message: string): Promise<{ node: Node; afterMs: number | undefined }> {
  const startedAtMs = performance.now()
  while (performance.now() - startedAtMs < ARRIVES_MS_MAX) {
    const { status, body } = await ask('GET', `${node.url}/api/data/${id}`)
    if (status === 200 && body['message'] === message) return { node, afterMs: performance.now() - startedAtMs }
    await sleep(5)
  }
  return { node, afterMs: undefined }
}
