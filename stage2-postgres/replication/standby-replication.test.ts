import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Pool } from '../store/pool.ts'
import { Timeline } from '../store/wal-position.ts'
import { StandbyReplication } from './standby-replication.ts'
import type { ReceiverRow } from './status.ts'

const HOUR_MS = 3_600_000
const ROW = { receiver: 'streaming', timeline: 1, is_promoted: false, replay_lsn: '0/1', primary_lsn: '0/1', lag_bytes: 0, lag_ms: 0 }

let looks: Partial<ReceiverRow> | Error
let replication: StandbyReplication
let timeline: Timeline
/** The timeline of every look. */
let told: number[]

beforeEach(() => {
  vi.useFakeTimers()
  looks = ROW
  const run = async (): Promise<unknown> => {
    if (looks instanceof Error) throw looks
    return [looks]
  }
  timeline = new Timeline()
  told = []
  const onLook = ({ timeline: seen }: ReceiverRow): void => void told.push(seen)
  replication = new StandbyReplication({ pool: { run } as unknown as Pool, primaryName: 'db1', timeline, onLook })
})
afterEach(() => {
  replication.close()
  vi.useRealTimers()
})

/** What is told after the standby has looked like this for so long. */
async function lagAfter(row: Partial<ReceiverRow> | Error, passMs = 200): Promise<number | null> {
  looks = row instanceof Error ? row : { ...ROW, ...row }
  await vi.advanceTimersByTimeAsync(passMs)
  return row instanceof Error ? null : (await replication.status()).upstream.lagMs
}

it('the first write after an idle hour is not an hour late', async () => {
  expect(await lagAfter({})).toBe(0)
  expect(await lagAfter({ lag_ms: HOUR_MS })).toBeLessThanOrEqual(200)
})

it('what stays away from level grows late, up to what PostgreSQL says', async () => {
  await lagAfter({})
  expect(await lagAfter({ lag_ms: HOUR_MS }, 10_000)).toBeGreaterThanOrEqual(10_000)
  expect(await lagAfter({ lag_ms: 700 }, 200)).toBe(700)
})

it.each<[string, Partial<ReceiverRow> | Error]>([
  ['the stream was away', { receiver: null, lag_ms: HOUR_MS }],
  ['the server was away', new Error('away')],
])('after %s PostgreSQL’s own word stands until the standby is level again', async (_, gone) => {
  await lagAfter({})
  await lagAfter(gone)
  expect(await lagAfter({ lag_ms: HOUR_MS })).toBe(HOUR_MS)
})

it('tells of every look, and takes over the timeline of a server that replays, but not that of a promoted one', async () => {
  await lagAfter({ timeline: 2 })
  expect(timeline.current).toBe(2)
  await lagAfter({ timeline: 5, is_promoted: true })
  expect(timeline.current).toBe(2)
  expect(told).toEqual(expect.arrayContaining([1, 2, 5]))
})
