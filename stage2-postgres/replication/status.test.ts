import { describe, expect, it } from 'vitest'
import { standbyStatus, upstreamStatus, type ReceiverRow, type StandbyRow } from './status.ts'

describe('a standby, as its primary sees it', () => {
  it.each([
    ['streaming', { state: 'streaming', slot_status: 'reserved' }],
    // It was started without a slot: a stream is what counts.
    ['streaming', { state: 'streaming', slot_status: null }],
    ['catching-up', { state: 'catchup', slot_status: 'reserved' }],
    ['catching-up', { state: 'startup', slot_status: null }],
    ['unreachable', { state: null, slot_status: 'reserved' }],
    ['unreachable', { state: null, slot_status: 'unreserved' }],
    // What it needs is gone, whether it asks for it or not.
    ['lost', { state: null, slot_status: 'lost' }],
    ['lost', { state: 'catchup', slot_status: 'lost' }],
    ['lost', { state: null, slot_status: null }],
    ['lost', undefined],
  ] as const)('is %s: %j', (state, row) => {
    expect(standbyStatus('db2', 1, row as StandbyRow | undefined)).toMatchObject({ name: 'db2', state })
  })

  it('has replayed what its stream says, on the primary’s timeline', () => {
    const row = { state: 'streaming', replay_lsn: '0/3000148', lag_bytes: 16, lag_ms: 20 } as StandbyRow
    expect(standbyStatus('db2', 3, row)).toMatchObject({ position: '3:0/3000148', lagBytes: 16, lagMs: 20 })
    expect(standbyStatus('db2', 3, undefined)).toMatchObject({ position: null, lagBytes: null, lagMs: null })
  })
})

describe('the primary, as its standby sees it', () => {
  const ROW = { receiver: 'streaming', is_promoted: false, timeline: 2, primary_lsn: '0/3000148', lag_bytes: 0, lag_ms: 0 }

  it.each([
    ['streaming', { receiver: 'streaming' }],
    ['catching-up', { receiver: 'waiting' }],
    ['unreachable', { receiver: null }],
    ['lost', { receiver: null, is_promoted: true }],
  ])('is %s: %j', (state, changes) => {
    expect(upstreamStatus('db1', { ...ROW, ...changes } as ReceiverRow).state).toBe(state)
  })

  it('is where it last said it was, and nowhere before it said so', () => {
    expect(upstreamStatus('db1', ROW as ReceiverRow).position).toBe('2:0/3000148')
    expect(upstreamStatus('db1', { ...ROW, primary_lsn: null } as ReceiverRow).position).toBeNull()
  })
})
