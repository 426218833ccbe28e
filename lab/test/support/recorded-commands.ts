/**
 * The interface that the report recorded (section 6.5), as written there; both stages answer it the same.
 */
import { expect, test } from 'vitest'
import type { Tier } from '../../topology.ts'
import { ask, type Answer } from './ask.ts'
import { LEVEL } from './patience.ts'

const JSON_HEADERS = { 'Content-Type': 'application/json' }

/** A stage that runs, with nothing else writing to it. */
export interface RecordedStage {
  entry(tier: Tier): string
  /** Every database holds the same records. */
  isLevel(): Promise<boolean>
}

export async function askTimes(count: number, question: (number: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let number = 1; number <= count; number++) answers.push(await question(number))
  return answers
}

/** Declares the tests; `stage` is asked for when they run. */
export function testRecordedCommands(stage: () => RecordedStage): void {
  test('POST /save at backend-lb answers the recorded object, byte for byte, and its server_id goes round', async () => {
    const answers = await askTimes(6, () =>
      ask(`${stage().entry('backend')}/save`, { body: '{"message": "Test data"}', headers: JSON_HEADERS }),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    const ids = answers.map(({ json }) => json.server_id as number)
    expect(answers.map(({ text }) => text)).toEqual(
      ids.map((id) => `{"db_response":{"message":"Donnée 'Test data' sauvegardée sur DB 1"},"server_id":${id},"status":"success"}`),
    )
    expect(ids.map((id) => (id - ids[0]! + 3) % 3)).toEqual([0, 1, 2, 0, 1, 2])
    expect(answers.every(({ way, json }) => way[0] === `backend${json.server_id as number}`)).toBe(true)
  })

  test('GET /data at db-lb answers the newest record in the recorded shape, from each database', async () => {
    await expect.poll(() => stage().isLevel(), LEVEL).toBe(true)
    const answers = await askTimes(20, () => ask(`${stage().entry('db')}/data`))
    expect(answers.map(({ text }) => text)).toEqual(
      answers.map(({ json }) => `{"message":"Test data","origin":"DB1","server":"${json.server as string}"}`),
    )
    expect(new Set(answers.map(({ json }) => json.server as string))).toEqual(new Set(['DB1', 'DB2', 'DB3']))
  })

  test('GET /api/data at frontend-lb, ten times, names a database each time and shows the same data', async () => {
    await expect.poll(() => stage().isLevel(), LEVEL).toBe(true)
    const answers = await askTimes(10, () => ask(`${stage().entry('frontend')}/api/data`))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(answers.every(({ json }) => /^DB[123]$/.test(json.server as string))).toBe(true)
    expect(new Set(answers.map(({ json }) => JSON.stringify(json.records))).size).toBe(1)
    expect(Object.keys(answers[0]!.json)).toEqual(['records', 'next', 'server'])
    expect(Object.keys(answers[0]!.json.records[0])).toEqual(['id', 'message', 'origin', 'createdAt', 'updatedAt'])
  })

  test('POST /api/data at frontend-lb with the report’s own member, ten times, is all on db1 with sequential ids', async () => {
    const answers = await askTimes(10, (number) =>
      ask(`${stage().entry('frontend')}/api/data`, { body: JSON.stringify({ value: `test-${number}` }), headers: JSON_HEADERS }),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201))
    const first = answers[0]!.json.id as number
    expect(answers.map(({ json }) => json as unknown)).toEqual(
      answers.map(({ json }, index) => ({ ...json, id: first + index, message: `test-${index + 1}`, origin: 'DB1', server: 'DB1' })),
    )
    expect(answers.every(({ way }) => way[2] === 'db1')).toBe(true)
    expect(answers[0]!.headers.location).toBe(`/api/data/${first}`)
  })
}
