/** The routes over a store that only notes by when it is asked to answer. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '../http/problem.ts'
import type { Service } from '../http/service.ts'
import { formatPosition, type Position } from '../store/position.ts'
import type { Store, StoredRecord } from '../store/store.ts'
import { testService } from '../test/test-service.ts'
import { mountDatabase } from './app.ts'

const POSITION: Position = { epoch: 1, lsn: 7 }

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

/** A service and the deadlines that its store was given; a write of a record that is not there takes 1.9 s. */
function noted(role: Store['role']): { service: Service; deadlines: [string, number | undefined][] } {
  const deadlines: [string, number | undefined][] = []
  const missing = async (): Promise<never> => {
    await vi.advanceTimersByTimeAsync(1_900)
    throw new Problem('not-found', { detail: 'there is no record 1' })
  }
  const store: Partial<Store> = {
    role,
    notReadyBecause: () => undefined,
    formatPosition,
    reach: async (_, timeoutMs) => (await vi.advanceTimersByTimeAsync(timeoutMs), false),
    replace: missing,
    remove: missing,
    get: async (_, deadlineMs) => (deadlines.push(['get', deadlineMs]), { value: undefined, position: POSITION }),
    page: async (_, deadlineMs) => (deadlines.push(['page', deadlineMs]), { value: { records: [], next: null }, position: POSITION }),
    position: async (deadlineMs) => (deadlines.push(['position', deadlineMs]), POSITION),
  }
  const service = testService('db1')
  mountDatabase(service, store as Store)
  return { service, deadlines }
}

it.each([
  ['/api/data', 'page'],
  ['/data', 'page'],
  ['/api/data/1', 'get'],
])('a read has its answer by 800 ms: %s', async (path, call) => {
  const { service, deadlines } = noted('primary')
  await service.request(path)
  expect(deadlines).toEqual([[call, 800]])
})

it('a read that waited for its token has the same 800 ms', async () => {
  const { service, deadlines } = noted('replica')
  const { status } = await service.request('/api/data', { headers: { 'x-session-token': '1:8' } })
  expect([status, Date.now()]).toEqual([503, 100])
  expect(deadlines).toEqual([['position', 800]])
})

it.each([
  ['PUT', '{"message":"x"}'],
  ['DELETE', null],
])('%s of a record that is not there has its answer by the deadline of the write', async (method, body) => {
  const { service, deadlines } = noted('primary')
  const { status } = await service.request('/api/data/1', { method, body, headers: { 'content-type': 'application/json' } })
  expect(status).toBe(404)
  expect(deadlines).toEqual([['position', 2_000]])
})

it.each([
  ['primary', undefined, 200, '"role":"primary"'],
  ['primary', 'PostgreSQL is away', 503, 'PostgreSQL is away'],
  ['replica', undefined, 503, 'this node is a replica'],
] as const)('GET /primary of a %s that is not ready because of %s is %i', async (role, reason, status, text) => {
  const service = testService('db1')
  mountDatabase(service, { role, notReadyBecause: () => reason } as Partial<Store> as Store)
  const response = await service.request('/primary')
  expect(response.status).toBe(status)
  expect(await response.text()).toContain(text)
})

const RECORD: StoredRecord = { id: 1, message: 'kept', origin: 'DB1', createdAtMs: 0, updatedAtMs: 0 }

describe.each([
  ['PUT', '{"message":"x"}', 200],
  ['DELETE', null, 204],
])('%s of a record that is there', (method, body, made) => {
  const ask = async (headers: Record<string, string>): Promise<[number, number]> => {
    const write = vi.fn<() => Promise<unknown>>(async () => ({ value: RECORD, position: POSITION }))
    const store = {
      role: 'primary',
      formatPosition,
      get: async () => ({ value: RECORD, position: POSITION }),
      replace: write,
      remove: write,
    }
    const service = testService('db1')
    mountDatabase(service, store as Partial<Store> as Store)
    const response = await service.request('/api/data/1', { method, body, headers: { 'content-type': 'application/json', ...headers } })
    expect(response.headers.get('x-session-token')).toBe('1:7')
    return [response.status, write.mock.calls.length]
  }

  it.each([{ 'if-none-match': '*' }, { 'if-match': '"old"' }, { 'if-match': 'W/"a", "b"' }, { 'if-match': '*', 'if-none-match': '*, *' }])(
    'is not made, and answered 412, with %o',
    async (headers) => {
      expect(await ask(headers)).toEqual([412, 0])
    },
  )

  it.each([{}, { 'if-match': '*' }, { 'if-none-match': '"old"' }, { 'if-match': '' }])('is made with %o', async (headers) => {
    expect(await ask(headers)).toEqual([made, 1])
  })
})
