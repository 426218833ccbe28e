/** What each database holds, asked of it directly: the truth that a test compares with what clients were told. */
import type { RecordJson } from '@relais/shared/database/record-json.ts'
import type { ReplicationStatus } from '@relais/shared/store/store.ts'
import { ask } from './ask.ts'
import type { RunningStage } from './running-stage.ts'

/** Every record of one database, oldest first. */
export async function recordsOf(url: string): Promise<RecordJson[]> {
  const records: RecordJson[] = []
  let before = ''
  for (;;) {
    const { status, json, text } = await ask(`${url}/api/data?limit=1000${before}`)
    if (status !== 200) throw new Error(`GET ${url}/api/data answered ${status} ${text.slice(0, 300)}`)
    records.push(...(json.records as RecordJson[]))
    if (json.next === null) return records.toReversed()
    before = `&before=${json.next as number}`
  }
}

/** Every record of each database, in the order of their names. */
export function recordsOfAll(stage: RunningStage): Promise<RecordJson[][]> {
  return Promise.all(stage.nodes('db').map(({ url }) => recordsOf(url)))
}

export async function replicationOf(url: string): Promise<ReplicationStatus> {
  const { json } = await ask(`${url}/api/replication`)
  return json as ReplicationStatus
}

/** The position of each database: level when they are all the same. */
export function positionsOf(stage: RunningStage): Promise<string[]> {
  return Promise.all(stage.nodes('db').map(async ({ url }) => (await replicationOf(url)).position))
}

/** True when every database is at the primary's position. */
export async function areLevel(stage: RunningStage): Promise<boolean> {
  return new Set(await positionsOf(stage)).size === 1
}
