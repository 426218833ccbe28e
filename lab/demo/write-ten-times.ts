/**
 * The report's ten writes, with its own body: all on the primary, with sequential ids.
 */
import type { LocatedStage } from '../runtime/runtime.ts'
import { entryUrl, primaryOf } from '../topology.ts'
import { ask, type Answer } from './ask.ts'
import type { ClaimSheet } from './claim-sheet.ts'

export async function writeTenTimes({ topology }: LocatedStage, sheet: ClaimSheet): Promise<void> {
  const url = `${entryUrl(topology, 'frontend')}/api/data`
  sheet.title(`Ten writes: POST ${url} {"value":"test-N"}`)
  const answers: Answer[] = []
  for (let number = 1; number <= 10; number++) {
    const answer = await ask('POST', url, { value: `test-${number}` })
    answers.push(answer)
    const what = answer.status === 201 ? `id ${String(answer.body['id'])}` : JSON.stringify(answer.body)
    sheet.line(`${String(number).padStart(2)}  ${answer.status}  ${answer.servedBy.join(' ─▶ ')}  ${what}`)
  }
  const statuses = answers.map(({ status }) => status)
  sheet.claim(
    'every write is accepted',
    statuses.every((status) => status === 201),
    statuses.join(', '),
  )
  const primary = primaryOf(topology).name
  const servers = answers.map(({ servedBy }) => servedBy.at(-1) ?? 'nobody')
  sheet.claim(
    `all writes land on ${primary}`,
    servers.every((server) => server === primary),
    servers.join(', '),
  )
  const ids = answers.map(({ body }) => Number(body['id']))
  sheet.claim(
    'ids are sequential',
    ids.every((id, index) => index === 0 || id === ids[index - 1]! + 1),
    ids.join(', '),
  )
}
