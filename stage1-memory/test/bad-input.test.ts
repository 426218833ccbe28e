/**
 * Bad input at every tier, over real connections: answered 4xx in our shape, without a change of state, and the next good
 * request works. The table is the claim; every row runs at the frontend, the backend and the database service.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { rawRequest } from '@relais/shared/test/raw-request.ts'
import { ThreeTiers, TIERS, type Tier } from './three-tiers.ts'

let tiers: ThreeTiers
let id: number

beforeAll(async () => {
  tiers = await ThreeTiers.start()
  const response = await fetch(`${tiers.url('frontend')}/api/data`, { method: 'POST', headers: JSON_TYPE, body: '{"message":"kept"}' })
  id = ((await response.json()) as { id: number }).id
})
afterAll(() => tiers.close())

const JSON_TYPE = { 'content-type': 'application/json' }
/** Of the record that is kept. */
const FIRST_ID = 1
const HEAD = 'Host: relais\r\nConnection: close\r\n'

interface Row {
  readonly what: string
  readonly status: number
  readonly slug: string
  readonly bytes: (string | Uint8Array)[]
  /** Those that the row is about, where it is not all. */
  readonly tiers?: readonly Tier[]
}

describe.each(TIERS)('at the %s, bad input', (tier) => {
  it.each(rows().filter((row) => row.tiers?.includes(tier) ?? true))(
    '$what: $status, nothing changed, and on it goes',
    async ({ status, slug, bytes }) => {
      const before = await state()
      const answer = await rawRequest(tiers.port(tier), ...bytes)
      expect(answer.status).toBe(status)
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(JSON.parse(answer.body)).toMatchObject({ type: `urn:relais:problem:${slug}`, status, definite: true })
      expect(answer.headers['allow'] ?? '').toMatch(status === 405 ? /GET/ : /^$/)
      expect(await state()).toEqual(before)
      expect((await fetch(`${tiers.url(tier)}/api/data/${id}`)).status).toBe(200)
      await vi.waitFor(() => expect(tiers.inFlight()).toBe(0), { timeout: 5_000, interval: 5 })
    },
  )
})

describe('a write', () => {
  it.each([
    ['a replica', 'PUT', '/api/data/1', '{"message":"a"}'],
    ['a replica', 'POST', '/api/data', '{"message":"a"}'],
    ['a replica', 'POST', '/save', '{"message":"a"}'],
    ['a replica', 'DELETE', '/api/data/1', undefined],
  ])('sent to %s, %s %s, is answered 403 and changes nothing', async (_, method, path, body) => {
    const before = await state()
    const response = await fetch(tiers.cluster.url('db2') + path, { method, headers: JSON_TYPE, ...(body !== undefined && { body }) })
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:not-primary', definite: true })
    expect(await state()).toEqual(before)
  })

  it('of a record that is not there is answered 404', async () => {
    for (const method of ['PUT', 'DELETE']) {
      const response = await fetch(`${tiers.url('frontend')}/api/data/999999`, {
        method,
        headers: JSON_TYPE,
        ...(method === 'PUT' && { body: '{"message":"a"}' }),
      })
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ type: 'urn:relais:problem:not-found', definite: true })
    }
  })

  it('under a key that another write used is answered 422, through all tiers', async () => {
    const post = (message: string): Promise<Response> =>
      fetch(`${tiers.url('frontend')}/api/data`, {
        method: 'POST',
        headers: { ...JSON_TYPE, 'idempotency-key': 'used' },
        body: JSON.stringify({ message }),
      })
    const first = (await (await post('one')).json()) as { id: number }
    expect(await (await post('one')).json()).toMatchObject({ id: first.id, message: 'one' })
    const before = await state()
    const other = await post('two')
    expect([other.status, other.headers.get('idempotency-key')]).toEqual([422, 'used'])
    expect(await other.json()).toMatchObject({ type: 'urn:relais:problem:idempotency-key-reused', definite: true })
    expect(await state()).toEqual(before)
  })
})

describe('what came in once', () => {
  it.each(['é€𝒳', 'a\u0001b\u007f', '"\\/', '\u2028\u2029', '<script>', '\ufeffx', 'ＮＵＬ', '{{7*7}}', "'; DROP TABLE records; --"])(
    '%j comes out of every tier to the letter',
    async (message) => {
      const response = await fetch(`${tiers.url('frontend')}/api/data`, {
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify({ message }),
      })
      const record = (await response.json()) as { id: number }
      for (const tier of TIERS) {
        expect(await (await fetch(`${tiers.url(tier)}/api/data/${record.id}`)).json()).toMatchObject({ message })
      }
      await fetch(`${tiers.url('frontend')}/api/data/${record.id}`, { method: 'DELETE' })
    },
  )
})

function rows(): Row[] {
  const malformed = { status: 400, slug: 'malformed-request' }
  const parameter = { status: 400, slug: 'invalid-parameter' }
  const content = { status: 422, slug: 'invalid-content' }
  const media = { status: 415, slug: 'unsupported-media-type' }
  const large = { status: 413, slug: 'body-too-large' }
  return [
    { what: 'malformed JSON', ...malformed, bytes: post('{"message": ') },
    { what: 'no body', ...malformed, bytes: post('') },
    { what: 'invalid UTF-8', ...malformed, bytes: post(Buffer.from([...Buffer.from('{"message":"'), 0xff, 0xfe, ...Buffer.from('"}')])) },
    {
      what: 'an encoded surrogate',
      ...malformed,
      bytes: post(Buffer.from([...Buffer.from('{"message":"'), 0xed, 0xa0, 0x80, ...Buffer.from('"}')])),
    },
    { what: 'nesting 30 000 deep', ...malformed, bytes: post('['.repeat(30_000) + ']'.repeat(30_000)) },
    { what: 'nesting 100 000 deep', ...large, bytes: post('['.repeat(100_000)) },
    { what: 'nesting 100 000 deep in chunks', ...large, bytes: post('['.repeat(100_000), { isChunked: true }) },
    { what: 'a number for a message', ...content, bytes: post('{"message": 7}') },
    { what: 'null for a message', ...content, bytes: post('{"message": null}') },
    { what: 'an array', ...content, bytes: post('["message"]') },
    { what: 'an empty message', ...content, bytes: post('{"message": ""}') },
    { what: 'a NUL', ...content, bytes: post('{"message": "a\\u0000b"}') },
    { what: 'a lone surrogate', ...content, bytes: post('{"message": "\\ud800"}') },
    { what: 'a message of 10 001 characters', ...content, bytes: post(JSON.stringify({ message: 'a'.repeat(10_001) })) },
    { what: '__proto__', ...content, bytes: post('{"message": "a", "__proto__": {"isAdmin": true}}') },
    { what: 'constructor', ...content, bytes: post('{"constructor": {"prototype": {"x": 1}}}') },
    { what: 'an unknown member', ...content, bytes: post('{"message": "a", "id": 1}') },
    { what: 'both names of the message', ...content, bytes: post('{"message": "a", "value": "b"}') },
    { what: '70 KB with a length', ...large, bytes: post(JSON.stringify({ message: 'a'.repeat(70_000) })) },
    { what: '70 KB in chunks', ...large, bytes: post(JSON.stringify({ message: 'a'.repeat(70_000) }), { isChunked: true }) },
    { what: 'text/plain', ...media, bytes: post('{"message": "a"}', { type: 'text/plain' }) },
    { what: 'a form', ...media, bytes: post('message=a', { type: 'application/x-www-form-urlencoded' }) },
    { what: 'Latin-1', ...media, bytes: post('{"message": "a"}', { type: 'application/json; charset=iso-8859-1' }) },
    { what: 'no content type', ...media, bytes: post('{"message": "a"}', { type: '' }) },
    { what: 'a content coding', ...media, bytes: post('{"message": "a"}', { headers: 'Content-Encoding: gzip\r\n' }) },
    { what: 'malformed JSON to replace a record', ...malformed, bytes: post('{"message": ', { method: 'PUT', path: '/api/data/1' }) },
    { what: 'a NUL to replace a record', ...content, bytes: post('{"message": "\\u0000"}', { method: 'PUT', path: '/api/data/1' }) },
    { what: 'an empty value in the report’s short form', ...content, bytes: post('{"value": ""}', { path: '/save' }) },
    { what: 'PATCH', status: 405, slug: 'method-not-allowed', bytes: [`PATCH /api/data HTTP/1.1\r\n${HEAD}\r\n`] },
    { what: 'DELETE of everything', status: 405, slug: 'method-not-allowed', bytes: [`DELETE /api/data HTTP/1.1\r\n${HEAD}\r\n`] },
    { what: 'an unknown method', status: 405, slug: 'method-not-allowed', bytes: [`BREW /api/data HTTP/1.1\r\n${HEAD}\r\n`] },
    {
      what: 'another way to say the method',
      status: 400,
      slug: 'malformed-request',
      bytes: post('', { headers: 'X-HTTP-Method-Override: DELETE\r\n' }),
    },
    ...['0', '-1', '1001', '1.5', 'x', '', '1e3', '%00'].map((limit) => ({
      what: `limit=${limit}`,
      ...parameter,
      bytes: get(`/api/data?limit=${limit}`),
    })),
    ...['0', '-5', 'x', '', '99999999999999999999'].map((before) => ({
      what: `before=${before}`,
      ...parameter,
      bytes: get(`/api/data?before=${before}`),
    })),
    ...['0', 'x', '1.5', '-1', '__proto__', '1%00', '99999999999999999999'].map((bad) => ({
      what: `id ${bad}`,
      ...parameter,
      bytes: get(`/api/data/${bad}`),
    })),
    { what: 'a bad id to remove', ...parameter, bytes: [`DELETE /api/data/0 HTTP/1.1\r\n${HEAD}\r\n`] },
    ...['zz\r\n', '2\r\n{}\r\nzz\r\n'].map((chunks) => ({
      what: `a broken chunk in the body of a removal, ${JSON.stringify(chunks)}`,
      ...malformed,
      bytes: [`DELETE /api/data/${FIRST_ID} HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks}`],
    })),
    {
      what: 'a removal with a body of 70 KB',
      ...large,
      bytes: post('a'.repeat(70_000), { method: 'DELETE', path: `/api/data/${FIRST_ID}`, isChunked: true }),
    },
    ...[
      ['replace', 'If-None-Match: *'],
      ['replace', 'If-Match: "old"'],
      ['replace', 'If-Match: W/"old", "older"'],
      ['remove', 'If-None-Match: *'],
      ['remove', 'If-Match: "old"'],
    ].map(([verb, condition]) => ({
      what: `a condition that a record cannot meet, to ${verb} it: ${condition}`,
      status: 412,
      slug: 'precondition-failed',
      bytes: post(verb === 'replace' ? '{"message": "a"}' : '', {
        method: verb === 'replace' ? 'PUT' : 'DELETE',
        path: `/api/data/${FIRST_ID}`,
        headers: `${condition}\r\n`,
      }),
    })),
    {
      what: 'a condition on a record that is not there',
      status: 404,
      slug: 'not-found',
      bytes: post('{"message": "a"}', { method: 'PUT', path: '/api/data/999999', headers: 'If-None-Match: *\r\n' }),
    },
    { what: 'a bad session token', ...parameter, bytes: get('/api/data', 'X-Session-Token: latest\r\n') },
    { what: 'two session tokens', ...parameter, bytes: get('/api/data', 'X-Session-Token: 1:1\r\nX-Session-Token: 1:2\r\n') },
    { what: 'a bad idempotency key', ...parameter, bytes: post('{"message": "a"}', { headers: 'Idempotency-Key: a b\r\n' }) },
    {
      what: 'an endless idempotency key',
      ...parameter,
      bytes: post('{"message": "a"}', { headers: `Idempotency-Key: ${'k'.repeat(129)}\r\n` }),
    },
    { what: 'an unknown path', status: 404, slug: 'not-found', bytes: get('/api/secrets') },
    { what: 'a path that climbs', status: 404, slug: 'not-found', bytes: get('/api/data/1/../../../etc/passwd') },
    { what: 'a path that climbs in disguise', status: 404, slug: 'not-found', bytes: get('/api/data/%2e%2e') },
    { what: 'a header of 20 KB', status: 431, slug: 'headers-too-large', bytes: get('/api/data', `X-Big: ${'a'.repeat(20_000)}\r\n`) },
    { what: 'a URL of 9 KB', status: 414, slug: 'uri-too-long', bytes: get(`/api/data?limit=${'1'.repeat(9_000)}`) },
    { what: 'a Host that is none', ...malformed, bytes: ['GET /api/data HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'] },
    { what: 'no Host', ...malformed, bytes: ['GET /api/data HTTP/1.1\r\nConnection: close\r\n\r\n'] },
    {
      what: 'a length that lies',
      ...malformed,
      bytes: [`POST /api/data HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: x\r\n\r\n{}`],
    },
    {
      what: 'node-to-node replication, unsigned',
      status: 404,
      slug: 'not-found',
      bytes: post('{}', { path: '/api/replicate' }),
      tiers: ['frontend', 'backend'],
    },
    {
      what: 'node-to-node replication, unsigned',
      status: 401,
      slug: 'unauthorized',
      bytes: post('{}', { path: '/api/replicate' }),
      tiers: ['database'],
    },
    { what: 'a lag that is none', ...parameter, bytes: get('/replica?lag=much'), tiers: ['database'] },
  ]
}

interface PostOptions {
  readonly method?: string
  readonly path?: string
  readonly type?: string
  readonly headers?: string
  readonly isChunked?: boolean
}

function post(body: string | Uint8Array, options: PostOptions = {}): (string | Uint8Array)[] {
  const { method = 'POST', path = '/api/data', type = 'application/json', headers = '', isChunked = false } = options
  const contentType = type === '' ? '' : `Content-Type: ${type}\r\n`
  const length = isChunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  const head = `${method} ${path} HTTP/1.1\r\n${HEAD}${contentType}${length}${headers}\r\n`
  if (!isChunked) return [head, body]
  const half = Math.floor(body.length / 2)
  return [head, chunk(body.slice(0, half)), chunk(body.slice(half)), '0\r\n\r\n']
}

function chunk(part: string | Uint8Array): string {
  return `${part.length.toString(16)}\r\n${String(part)}\r\n`
}

function get(path: string, headers = ''): string[] {
  return [`GET ${path} HTTP/1.1\r\n${HEAD}${headers}\r\n`]
}

/** Everything that the primary holds, and how far its history goes. */
async function state(): Promise<unknown> {
  const { store } = tiers.cluster.node('db1')
  return store.page({ limit: 1_000 })
}
