/** Where a visitor's count is kept, and what becomes of it at another frontend. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Service } from '../http/service.ts'
import { TierClient } from '../http/tier-client.ts'
import { fakeTier, type FakeTier } from '../test/fake-tier.ts'
import { testService } from '../test/test-service.ts'
import { mountVisits } from './visits.ts'

let backend: FakeTier
let tier: TierClient
let first: Service
let second: Service

beforeEach(async () => {
  backend = await fakeTier({ status: 201, body: '{"id":7,"message":"visits: 1"}' })
  tier = new TierClient(backend.url, { deadlineMs: 20_000 })
  first = testService('frontend1')
  second = testService('frontend2')
  for (const service of [first, second]) mountVisits(service, tier)
})
afterEach(async () => {
  await tier.close()
  await backend.close()
})

/** Visits as a browser does: with the cookie of the last answer. */
async function visit(service: Service, kept: string, cookie = ''): Promise<{ visits: unknown; status: number; cookie: string }> {
  const response = await service.request(`/visits/${kept}`, { method: 'POST', headers: cookie ? { cookie } : {} })
  const { visits } = (await response.json()) as { visits?: unknown }
  return { visits, status: response.status, cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '' }
}

test('a count in memory goes on at the same frontend and begins anew at another', async () => {
  const { cookie, visits } = await visit(first, 'memory')
  expect(visits).toBe(1)
  expect(await visit(first, 'memory', cookie)).toMatchObject({ visits: 2, cookie })
  expect(await visit(second, 'memory', cookie)).toMatchObject({ visits: 1, cookie })
})

test('a count in the cookie goes on at any frontend, also one that the visitor made up', async () => {
  const { cookie } = await visit(first, 'client')
  expect(await visit(second, 'client', cookie)).toMatchObject({ visits: 2 })
  expect(await visit(second, 'client', 'relais_visits=41')).toMatchObject({ visits: 42 })
  expect(await visit(second, 'client', 'relais_visits=much')).toMatchObject({ visits: 1 })
})

test('a count in the database is read from the primary and replaced', async () => {
  const { cookie } = await visit(first, 'external')
  expect(backend.asked).toMatchObject([{ method: 'POST', url: '/api/data', body: '{"message":"visits: 1"}' }])
  backend.answer = { status: 200, body: '{"id":7,"message":"visits: 4"}' }
  expect(await visit(second, 'external', cookie)).toMatchObject({ visits: 5, cookie })
  expect(backend.asked[1]).toMatchObject({ method: 'GET', url: '/api/data/7', headers: { 'x-read-from': 'primary' } })
  expect(backend.asked[2]).toMatchObject({ method: 'PUT', url: '/api/data/7', body: '{"message":"visits: 5"}' })
})

test('a visit that is repeated under its key counts again: what it writes is another write', async () => {
  const repeat = { method: 'POST', headers: { 'idempotency-key': 'mine', cookie: 'relais_visits_record=7' } }
  for (const message of ['visits: 1', 'visits: 2']) {
    backend.answer = { status: 200, body: JSON.stringify({ id: 7, message }) }
    expect((await first.request('/visits/external', repeat)).status).toBe(200)
  }
  const writes = backend.asked.filter(({ method }) => method === 'PUT')
  expect(writes.map(({ body }) => body)).toEqual(['{"message":"visits: 2"}', '{"message":"visits: 3"}'])
  const keys = new Set(writes.map(({ headers }) => headers['idempotency-key']))
  expect(keys.size).toBe(2)
  expect(keys).not.toContain('mine')
})

test.each(['memory', 'external', 'client'])('a form of another site counts nothing in %s', async (kept) => {
  for (const from of ['cross-site', 'same-site']) {
    const response = await first.request(`/visits/${kept}`, { method: 'POST', headers: { 'sec-fetch-site': from } })
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:cross-site-form', definite: true })
    expect(response.headers.get('set-cookie')).toBeNull()
  }
  expect(backend.asked).toEqual([])
  const own = await first.request(`/visits/${kept}`, { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } })
  expect(own.status).toBe(200)
})

test('a record that is no count is left alone', async () => {
  backend.answer = { status: 200, body: '{"id":7,"message":"dear diary"}' }
  await visit(first, 'external', 'relais_visits_record=7')
  expect(backend.asked.map(({ method }) => method)).toEqual(['GET', 'POST'])
})

test('a database tier that fails is the answer, and no count', async () => {
  backend.answer = { status: 503, body: '{}' }
  expect(await visit(first, 'external')).toMatchObject({ status: 503, visits: undefined, cookie: '' })
})
