/**
 * "curl -X GET http://localhost/api/data", ten times: who answers, and do they agree?
 */
import type { LocatedStage } from '../runtime/runtime.ts'
import { entryUrl, nodesOf } from '../topology.ts'
import { ask, type Answer } from './ask.ts'
import type { ClaimSheet } from './claim-sheet.ts'

export async function readTenTimes({ topology, settings }: LocatedStage, sheet: ClaimSheet): Promise<void> {
  const url = `${entryUrl(topology, 'frontend')}/api/data`
  sheet.title(`Ten reads: GET ${url}`)
  const answers: Answer[] = []
  for (let number = 1; number <= 10; number++) {
    const answer = await ask('GET', url)
    answers.push(answer)
    const records = answer.body['records']
    const count = Array.isArray(records) ? `${records.length} records` : JSON.stringify(answer.body)
    sheet.line(`${String(number).padStart(2)}  ${answer.status}  ${answer.servedBy.join(' ─▶ ')}  ${count}`)
  }
  const databases = nodesOf(topology, 'db').map(({ name }) => name)
  const servers = answers.map(({ servedBy }) => servedBy.at(-1) ?? 'nobody')
  sheet.claim(
    'each answer names the database that served it',
    servers.every((server) => databases.includes(server)),
    servers.join(', '),
  )
  const newest = new Set(answers.map(({ body }) => JSON.stringify((body['records'] as unknown[] | undefined)?.[0] ?? null)))
  sheet.claim('the data is the same everywhere', newest.size === 1, [...newest].join(' and '))
  // A policy that was chosen may well send one client to one database; the default spreads.
  if (settings.policy === null) {
    sheet.claim(
      `reads reach ${databases.join(', ')}`,
      databases.every((name) => servers.includes(name)),
      [...new Set(servers)].join(', '),
    )
  }
}
