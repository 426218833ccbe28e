/** The form that people send: whatever its encoding, what reaches the backend is what was typed. */
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client } from '../http/connections.ts'
import { problemType } from '../http/problem.ts'
import { TierClient } from '../http/tier-client.ts'
import type { Service } from '../http/service.ts'
import { fakeTier, type FakeAnswer, type FakeTier } from '../test/fake-tier.ts'
import { testService } from '../test/test-service.ts'
import { mountFrontend } from './app.ts'
import { STYLE } from './pages/assets.ts'
import { MESSAGES } from './pages/messages.ts'

const SAVED =
  '{"id":7,"message":"x","origin":"DB1","createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z","server":"DB1"}'

let backend: FakeTier
let tier: TierClient
let service: Service

beforeEach(async () => {
  backend = await fakeTier({ status: 201, headers: { 'content-type': 'application/json' }, body: SAVED })
  tier = new TierClient(backend.url, { deadlineMs: 20_000 })
  service = testService('frontend1')
  mountFrontend(service, tier)
})
afterEach(async () => {
  await tier.close()
  await backend.close()
})

const RECORDS: FakeAnswer = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: `{"records":[${SAVED}],"next":7,"server":"DB2"}`,
}
const BROWSER = { accept: 'text/html' }

const urlencoded = (body: string): Promise<Response> =>
  service.request('/submit', { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })

it.each([
  ['message=a+b%26c&key=k', 'a b&c'],
  ['message=100%25&key=k', '100%'],
  ['message=100%&key=k', '100%'],
  ['message=%C3%A9%F0%9F%98%80', 'é😀'],
])('takes the urlencoded form %j', async (body, message) => {
  expect((await urlencoded(body)).status).toBe(303)
  expect(JSON.parse(backend.asked[0]!.body)).toEqual({ message })
})

it.each(['message=a%ffb', 'message=%C3', 'message=a%00%fe'])('refuses the urlencoded form %j, which is no UTF-8', async (body) => {
  expect((await urlencoded(body)).status).toBe(400)
  expect(backend.asked).toEqual([])
})

it.each([
  ['in the message', 'a\xffb', 'k'],
  ['in the message, cut off', 'a\xc3', 'k'],
  ['in another field', 'a', '\xfe'],
])('refuses a multipart form with bytes %s that are no UTF-8', async (_, message, key) => {
  const part = (name: string, value: string): string => `--boundary\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const body = Buffer.from(`${part('message', message)}${part('key', key)}--boundary--\r\n`, 'latin1')
  const headers = { 'content-type': 'multipart/form-data; boundary=boundary' }
  expect((await service.request('/submit', { method: 'POST', body, headers })).status).toBe(400)
  expect(backend.asked).toEqual([])
})

it.each([
  ['cross-site', 403],
  ['same-site', 403],
  ['same-origin', 303],
  ['none', 303],
])('answers a form that the browser calls %s with %i', async (site, status) => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': site }
  expect((await service.request('/submit', { method: 'POST', body: 'message=x&key=k', headers })).status).toBe(status)
  expect(backend.asked).toHaveLength(status === 303 ? 1 : 0)
})

it('sends a multipart form on as it was typed', async () => {
  const body = new FormData()
  body.set('message', 'line one\r\nline two 中文')
  body.set('key', 'k-1')
  expect((await service.request('/submit', { method: 'POST', body })).status).toBe(303)
  expect(backend.asked[0]).toMatchObject({ headers: { 'idempotency-key': 'k-1' } })
  expect(JSON.parse(backend.asked[0]!.body)).toEqual({ message: 'line one\nline two 中文' })
})

it('keeps the key of a submit that failed, and changes that of one whose key belongs to another text', async () => {
  for (const [status, definite] of [
    [504, false],
    [503, true],
    [422, true],
  ]) {
    backend.answer = { status: Number(status), body: JSON.stringify({ title: 't', status, definite }) }
    expect(await (await urlencoded('message=x&key=kept')).text()).toContain('value="kept"')
  }
  const type = problemType('idempotency-key-reused')
  backend.answer = { status: 422, body: JSON.stringify({ type, title: 't', status: 422, definite: true }) }
  expect(await (await urlencoded('message=x&key=kept')).text()).not.toContain('value="kept"')
})

it.each(['/', '/records', '/submit'])('says on the page of a problem at %s when to try again, as the backend tier does', async (path) => {
  const problem = { type: problemType('store-full'), title: 'Store full', status: 503, definite: true, requestId: 'id' }
  const ask = (): Promise<Response> =>
    path === '/submit' ? urlencoded('message=a&key=k') : Promise.resolve(service.request(path, { headers: { accept: 'text/html' } }))
  backend.answer = { status: 503, headers: { 'retry-after': '60' }, body: JSON.stringify(problem) }
  const answered = await ask()
  expect([answered.status, answered.headers.get('retry-after')]).toEqual([503, '60'])
  backend.answer = 'cut'
  const cut = await ask()
  expect([cut.status, cut.headers.get('retry-after')]).toEqual([502, '1'])
})

it('does not call a message unsaved because a later attempt was refused, when an earlier one is unknown', async () => {
  const { notSaved, maybeSaved } = MESSAGES.en
  const sendAgain = async (page: string): Promise<string> => {
    const hidden = page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)"/g)
    const form = new URLSearchParams({ message: 'x' })
    for (const [, name, value] of hidden) form.set(name!, value!)
    return (await urlencoded(String(form))).text()
  }
  backend.answer = { status: 503, body: '{"title":"t","status":503,"definite":true}' }
  const refused = await (await urlencoded('message=x&key=kept')).text()
  expect(refused).toContain(notSaved)
  backend.answer = { status: 504, body: '{"title":"t","status":504,"definite":false}' }
  const unknown = await sendAgain(refused)
  backend.answer = { status: 503, body: '{"title":"t","status":503,"definite":true}' }
  const refusedAgain = await sendAgain(unknown)
  for (const page of [unknown, refusedAgain, await sendAgain(refusedAgain)]) {
    expect(page).toContain(maybeSaved)
    expect(page).not.toContain(notSaved)
  }
  expect(backend.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['kept', 'kept', 'kept', 'kept'])
})

it('carries the position of a write on, so that every page behind a link is as fresh as the first', async () => {
  backend.answer = RECORDS
  const linksOf = async (path: string): Promise<string[]> => {
    const page = await (await service.request(path)).text()
    return [...page.matchAll(/ (?:href|action)="(\/(?:records|submit)?(?:\?[^"]*)?)"/g)].map(([, link]) => link!.replaceAll('&amp;', '&'))
  }
  const fromHome = await linksOf('/?saved=7&at=1:42')
  expect(fromHome.length).toBeGreaterThan(3)
  const fromRecords = await linksOf(fromHome.find((link) => link.startsWith('/records'))!)
  expect(fromRecords.some((link) => link.includes('before=7'))).toBe(true)
  for (const link of [...fromHome, ...fromRecords]) expect(new URL(link, 'http://site').searchParams.get('at')).toBe('1:42')
  expect(backend.asked.map(({ headers }) => headers['x-session-token'])).toEqual(['1:42', '1:42'])
  expect((await linksOf('/?at=<script>')).filter((link) => link.includes('at='))).toEqual([])
})

it('shows the system that there is: with three instances a tier nine and the load balancers, alone three and no other way', async () => {
  const { homeLead, homeLeadSingle, again, replica, noRecordsLead } = MESSAGES.en
  const alone = testService('frontend1')
  mountFrontend(alone, tier, true)
  const pageOf = async (site: Service, path: string): Promise<string> => (await site.request(path, { headers: BROWSER })).text()
  // Not a bare db2, which a random key in the form may contain.
  const ofNine = [homeLead, again, `>${replica}<`, 'frontend-lb', 'frontend3', '>db2<']
  backend.answer = RECORDS
  const [balanced, single] = [await pageOf(service, '/'), await pageOf(alone, '/')]
  expect(ofNine.filter((text) => !balanced.includes(text))).toEqual([])
  expect(ofNine.filter((text) => single.includes(text))).toEqual([])
  expect(single).toContain(homeLeadSingle)
  backend.answer = 'cut'
  expect(await pageOf(service, '/')).toContain('frontend-lb')
  expect(await pageOf(alone, '/')).not.toContain('-lb')
  backend.answer = { ...RECORDS, body: '{"records":[],"next":null,"server":"DB1"}' }
  expect(await pageOf(alone, '/')).not.toContain(noRecordsLead)
  expect(await pageOf(alone, '/records')).not.toContain(noRecordsLead)
})

it.each([
  ['its own address', STYLE.href, /^public, max-age=31536000, immutable$/],
  // As a new frontend's page asks an old one, while they are replaced.
  ['the address of another version', `${STYLE.path}?v=another-version`, /^no-cache$/],
  ['an address without a version', STYLE.path, /^no-cache$/],
])('lets the stylesheet be kept for a year only under its own address: %s', async (_, path, caching) => {
  for (const headers of [{}, { 'if-none-match': STYLE.etag }]) {
    const response = await service.request(path, { headers })
    expect(response.headers.get('cache-control')).toMatch(caching)
    expect(response.headers.get('etag')).toBe(STYLE.etag)
  }
})

it.each([
  ['by its tag', STYLE.etag, 304],
  ['by its weak tag', `W/${STYLE.etag}`, 304],
  ['by a list that has its tag', `"a,b", W/"c" ,${STYLE.etag}`, 304],
  ['by "*"', '*', 304],
  ['by another tag', '"another"', 200],
  ['by no tag: without quotes', STYLE.hash, 200],
  ['by no tag: empty', '', 200],
])('answers a browser that names the stylesheet %s', async (_, known, status) => {
  const response = await service.request(STYLE.href, { headers: { 'if-none-match': known } })
  expect([response.status, await response.text()]).toEqual([status, status === 304 ? '' : STYLE.body])
})

describe('a request that is refused before any route sees it', () => {
  const refusedWith = async (path: string, accept: string, init: RequestInit = {}): Promise<Response> => {
    const response = await service.request(path, { ...init, headers: { accept, 'accept-language': 'fr' } })
    expect(backend.asked).toEqual([])
    return response
  }
  const fillUp = (): void => {
    service = testService('frontend2', { inFlightMax: 0 })
    mountFrontend(service, tier)
  }

  it.each([
    ['GET', '/'],
    ['GET', '/records?lang=fr'],
    ['POST', '/submit'],
  ])('gets a page from a full instance in a browser, without a read: %s %s', async (method, path) => {
    fillUp()
    const response = await refusedWith(path, 'text/html', { method })
    expect([response.status, response.headers.get('content-type'), response.headers.get('retry-after')]).toEqual([
      503,
      'text/html; charset=utf-8',
      '1',
    ])
    expect(await response.text()).toContain(MESSAGES.fr.problems.overloaded.title)
  })

  it('gets a page for an address that is too long in a browser', async () => {
    const response = await refusedWith(`/?${'x'.repeat(8 * 1024)}`, 'text/html')
    expect(response.status).toBe(414)
    expect(await response.text()).toContain(MESSAGES.fr.problems['uri-too-long'].title)
  })

  it('gets a problem document in a program', async () => {
    fillUp()
    for (const path of ['/', '/api/data', `/${'x'.repeat(8 * 1024)}`]) {
      const response = await refusedWith(path, '*/*')
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toMatchObject({ status: response.status, definite: true })
    }
  })

  it('gets a page for an answer that is too large for what others have not taken yet in a browser', async () => {
    service = testService('frontend2', { untakenBytesMax: 64 * 1024 })
    mountFrontend(service, tier)
    backend.answer = { ...RECORDS, body: RECORDS.body!.replace('"x"', `"${'x'.repeat(70_000)}"`) }
    const client = { isGone: false, waiters: new Set() } as unknown as Client
    const request = new Request('http://service.test/', { headers: BROWSER })
    const response = await service.fetch(request, { client, outgoing: new EventEmitter() as unknown as ServerResponse })
    expect([response.status, response.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8'])
    expect(await response.text()).toContain('this answer is large')
  })

  it('is counted as what it was', async () => {
    fillUp()
    await refusedWith('/', 'text/html')
    expect(service.inFlight).toBe(0)
    expect(await (await service.request('/metrics')).text()).toMatch(/_count\{.*status="503".*\} 1/)
  })
})

it('does not say of a record that was deleted that it has not arrived yet', async () => {
  backend.answer = {
    status: 200,
    headers: { 'content-type': 'application/json', 'x-session-token': '1:43', 'x-served-by': 'backend1, db2' },
    body: '{"records":[],"next":null,"server":"DB2"}',
  }
  const pageOf = async (written: string): Promise<string> =>
    (await service.request(`/?saved=42&at=${written}`, { headers: BROWSER })).text()
  const { notYetAt, goneSince } = MESSAGES.en
  expect(await pageOf('1:42')).toContain(goneSince)
  expect(await pageOf('1:42')).not.toContain(notYetAt('db2'))
  expect(await pageOf('1:44')).toContain(notYetAt('db2'))
})

it.each([
  ['/', '/api/data?limit=10'],
  ['/?saved=7&at=1:42&lang=fr', '/api/data?limit=10'],
  ['/records', '/api/data?limit=20'],
  ['/records?before=5&lang=fr', '/api/data?limit=20&before=5'],
  ['/data', '/api/data?limit=20'],
])('links from %s to the very records that it shows as JSON', async (path, href) => {
  backend.answer = RECORDS
  const page = await (await service.request(path, { headers: BROWSER })).text()
  expect(jsonLinks(page)).toEqual([href])
  expect(backend.asked[0]!.url).toBe(href)
})

const EMPTY: FakeAnswer = { ...RECORDS, body: '{"records":[],"next":null,"server":"DB1"}' }
const FAILED: FakeAnswer = { status: 503, body: '{"title":"t","status":503,"definite":true}' }

it.each([
  ['/', EMPTY],
  ['/records', EMPTY],
  ['/', FAILED],
  ['/nowhere', RECORDS],
])('has no link to records as JSON on a page of %s that shows none', async (path, answer) => {
  backend.answer = answer
  expect(jsonLinks(await (await service.request(path, { headers: BROWSER })).text())).toEqual([])
})

it('has no link to records as JSON on the answer to a submit that failed', async () => {
  backend.answer = FAILED
  expect(jsonLinks(await (await urlencoded('message=x&key=k')).text())).toEqual([])
})

it.each([
  ['/submit', '/'],
  ['/submit?lang=fr', '/?lang=fr'],
  ['/submit?at=1:42&lang=fr', '/?at=1%3A42&lang=fr'],
  ['/submit?at=<script>&lang=xx', '/'],
])('leads who reloads the address of a form home, with what its links carry: %s', async (path, location) => {
  const response = await service.request(path, { headers: BROWSER })
  expect([response.status, response.headers.get('location')]).toEqual([303, location])
})

function jsonLinks(page: string): string[] {
  return [...page.matchAll(/href="(\/api[^"]*)"/g)].map(([, href]) => href!.replaceAll('&amp;', '&'))
}
