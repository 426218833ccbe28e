/**
 * Bad input, at every load balancer and directly at an instance of every tier: refused in the product's own shape, never a 5xx, nothing
 * changed in any database, and the next good request is served.
 */
import { readFileSync } from 'node:fs'
import { rawRequest, type RawAnswer } from '@relais/shared/test/raw-request.ts'
import { SIGNATURE, Signer } from '@relais/stage1-memory/replication/signature.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ask, toAnswer, type Answer } from './support/ask.ts'
import { BAD_REQUESTS, UNFINISHED, type BadRequest } from './support/bad-requests.ts'
import { areLevel, positionsOf, recordsOfAll } from './support/database-contents.ts'
import { LEVEL } from './support/patience.ts'
import { RunningStage } from './support/running-stage.ts'

const PLACES = ['frontend-lb', 'backend-lb', 'db-lb', 'frontend1', 'backend1', 'db1'] as const
type Place = (typeof PLACES)[number]

const SENDS_MAX = 5

let stage: RunningStage
let contents: unknown
let positions: string[]
/** Begun first and looked at last: they take as long as a server is patient. */
let unfinished: Map<string, Promise<RawAnswer>>
beforeAll(async () => {
  stage = await RunningStage.start()
  unfinished = new Map(
    PLACES.flatMap((place) => UNFINISHED.map(({ name, parts }) => [`${name} at ${place}`, rawRequest(portOf(place), ...parts)] as const)),
  )
  for (const message of ['one', 'two', 'three']) await ask(`${urlOf('frontend-lb')}/api/data`, { body: { message } })
  await vi.waitUntil(() => areLevel(stage), LEVEL)
  contents = await recordsOfAll(stage)
  positions = await positionsOf(stage)
})
afterAll(() => stage?.remove())

/** Every write moves a position on, so equal positions are equal contents; the contents themselves are compared at the end. */
afterEach(async () => {
  expect(await positionsOf(stage)).toEqual(positions)
})

function urlOf(place: string): string {
  return [...stage.topology.nodes, ...stage.topology.loadBalancers].find(({ name }) => name === place)!.url
}

function portOf(place: string): number {
  return Number(new URL(urlOf(place)).port)
}

/**
 * A server that refuses a request half-way closes a connection on which more is coming, and the reset that this makes can overtake its
 * answer on the way to us. So a request without the answer that it should have is sent again, a few times at most.
 */
async function sendRaw(place: Place, badRequest: BadRequest): Promise<Answer> {
  const bytes = Buffer.concat(badRequest.parts.map((part) => Buffer.from(part)))
  for (let attempt = 1; ; attempt++) {
    const { status, headers, body } = await rawRequest(portOf(place), bytes)
    if (status !== 0 || expectedAt(place, badRequest) === '0' || attempt === SENDS_MAX) return toAnswer(status, headers, body)
  }
}

function expectedAt(place: Place, { expected }: BadRequest): string {
  if (typeof expected === 'string') return expected
  if (place.endsWith('-lb')) return expected.balancer
  return place === 'db1' ? (expected.database ?? expected.instance) : expected.instance
}

function summaryOf({ status, problem }: Answer): string {
  return problem === undefined ? String(status) : `${status} ${problem}`
}

/** In the shape of every refusal: a problem document that says nothing was written, under a request id. */
function expectRefusal(answer: Answer): void {
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(answer.json).toMatchObject({ status: answer.status, definite: true, title: expect.any(String), detail: expect.any(String) })
  expect(answer.headers['x-request-id']).toBe(answer.json.requestId)
  expect(String(answer.headers.allow)).toMatch(answer.status === 405 ? /^[A-Z]+(?:, [A-Z]+)*$/ : /^undefined$/)
}

describe('every tier, through its load balancer and directly, refuses', () => {
  test.each(BAD_REQUESTS)('$name', async (badRequest) => {
    const answers = await Promise.all(PLACES.map((place) => sendRaw(place, badRequest)))
    expect(answers.map((answer, index) => `${PLACES[index]!}: ${summaryOf(answer)}`)).toEqual(
      PLACES.map((place) => `${place}: ${expectedAt(place, badRequest)}`),
    )
    for (const answer of answers) if (answer.status !== 0) expectRefusal(answer)
    const next = await Promise.all(PLACES.map((place) => ask(`${urlOf(place)}/api/data?limit=1`)))
    expect(next.map(({ status }) => status)).toEqual(PLACES.map(() => 200))
  })
})

describe('a replica, asked directly', () => {
  test.each(['POST /api/data', 'PUT /api/data/1', 'DELETE /api/data/1', 'POST /save'])('refuses %s with 403', async (line) => {
    const [method, path] = line.split(' ') as [string, string]
    for (const name of ['db2', 'db3']) {
      const answer = await ask(stage.url(name) + path, { method, body: { message: 'not here' } })
      expect(summaryOf(answer)).toBe('403 not-primary')
      expectRefusal(answer)
    }
  })
})

describe('a node-to-node call', () => {
  const PATH = '/api/replicate'
  const body = JSON.stringify({ kind: 'batch', epoch: 99, previous: { epoch: 0, lsn: 0 }, entries: [], headLsn: 0 })
  const call = { method: 'POST', path: PATH, body }
  const signer = (nowMs?: () => number): Signer => new Signer(readFileSync(stage.directory.secretFile, 'utf8'), nowMs)
  const send = (url: string, signature: string | undefined): Promise<Answer> =>
    ask(url + PATH, { body, headers: { 'content-type': 'application/json', ...(signature !== undefined && { [SIGNATURE]: signature }) } })

  test.each([
    ['without a signature', () => undefined],
    ['with an empty signature', () => ''],
    ['with junk for a signature', () => 'junk'],
    ['with a signature of zeros', () => `${Date.now()}.${'0'.repeat(64)}`],
    ['signed with another secret', () => new Signer('ab'.repeat(32)).sign(call)],
    ['signed a minute ago', () => signer(() => Date.now() - 60_000).sign(call)],
    ['signed for a minute from now', () => signer(() => Date.now() + 60_000).sign(call)],
    ['signed for another path', () => signer().sign({ ...call, path: '/api/replicate/snapshot?part=0' })],
    ['signed for another method', () => signer().sign({ ...call, method: 'GET' })],
    ['signed for another body', () => signer().sign({ ...call, body: `${body} ` })],
    [
      'signed under another time',
      () =>
        signer()
          .sign(call)
          .replace(/^\d+/, String(Date.now() + 5)),
    ],
  ])('%s is refused with 401 by every node', async (_, sign) => {
    for (const { url } of stage.nodes('db')) {
      const answer = await send(url, sign())
      expect(summaryOf(answer)).toBe('401 unauthorized')
      expectRefusal(answer)
    }
  })

  test('does not exist at the load balancers and the upper tiers, even with a signature of this cluster', async () => {
    for (const place of ['frontend-lb', 'backend-lb', 'db-lb', 'frontend1', 'backend1']) {
      const answer = await send(urlOf(place), signer().sign(call))
      expect(summaryOf(answer)).toBe('404 not-found')
      // A load balancer stops it by itself: nobody behind has even seen it.
      expect(answer.way).toEqual(place.endsWith('-lb') ? [] : [place])
    }
  })

  test.each([
    ['half an object', '400 malformed-request', '{"kind":'],
    ['another kind', '422 invalid-content', '{"kind":"wipe"}'],
    ['a batch of junk', '422 invalid-content', '{"kind":"batch","epoch":1,"previous":{"epoch":0,"lsn":0},"entries":[[1,2]],"headLsn":1}'],
    [
      'a batch after a gap',
      '409 replication-conflict',
      JSON.stringify({ kind: 'batch', epoch: 1, previous: { epoch: 1, lsn: 900 }, entries: [], headLsn: 900 }),
    ],
    [
      'a batch with a wrong checksum',
      '409 replication-conflict',
      JSON.stringify({
        kind: 'batch',
        epoch: 1,
        previous: { epoch: 1, lsn: 3 },
        entries: [[1, 4, 4, 1, 'insert', 1, 'forged', 'DB1', null]],
        headLsn: 4,
      }),
    ],
    [
      'an entry of the other mechanism',
      '409 replication-conflict',
      JSON.stringify({ kind: 'entry', entry: { epoch: 1, lsn: 4, id: 4, crc: 1, operation: { type: 'remove', atMs: 1 } } }),
    ],
  ])('that is signed and holds %s changes nothing', async (_, expected, text) => {
    const answer = await ask(`${stage.url('db2')}${PATH}`, { body: text, headers: { [SIGNATURE]: signer().sign({ ...call, body: text }) } })
    expect(summaryOf(answer)).toBe(expected)
    expectRefusal(answer)
  })

  test('is not taken by the primary', async () => {
    expect(summaryOf(await send(stage.url('db1'), signer().sign(call)))).toBe('409 replication-conflict')
  })
})

describe('headers that only the tiers themselves may send', () => {
  const FORGED = {
    'X-Accel-Redirect': '@write',
    'X-Accel-Limit-Rate': '1',
    'X-Relais-May-Move': '@write',
    'X-Relais-Signature': '1.2',
    'X-HTTP-Method-Override': 'DELETE',
    'X-Method-Override': 'DELETE',
    'X-Served-By': 'intruder',
    'X-Forwarded-For': '203.0.113.7',
    'X-Real-IP': '203.0.113.7',
    Forwarded: 'for=203.0.113.7',
    X_Session_Token: 'junk',
  }

  test.each(['frontend-lb', 'backend-lb', 'db-lb'])('have no effect through %s', async (place) => {
    const servers = new Set<string>()
    for (let number = 1; number <= 15; number++) {
      const answer = await ask(`${urlOf(place)}/api/data/1`, { headers: FORGED })
      expect(answer).toMatchObject({ status: 200, json: { id: 1, message: 'one' } })
      expect(Object.keys(answer.headers).filter((name) => /^x-(?:accel|relais)/.test(name))).toEqual([])
      expect(answer.way.join(' ')).not.toContain('intruder')
      servers.add(answer.json.server as string)
    }
    expect(servers).toEqual(new Set(['DB1', 'DB2', 'DB3']))
  })

  test('do not say where a replica moves a read that it cannot serve', async () => {
    const headers = { ...FORGED, 'x-session-token': '999:999' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(`${urlOf('db-lb')}/api/data/1`, { headers })))
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, json: { id: 1, server: 'DB1' } })
  })
})

describe('a form', () => {
  const BROWSER = { accept: 'text/html' }
  const submit = (place: string, body: string | Uint8Array, contentType: string): Promise<Answer> =>
    ask(`${urlOf(place)}/submit`, { method: 'POST', body, headers: { ...BROWSER, 'content-type': contentType } })
  const part = (message: string | Uint8Array): Uint8Array =>
    Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="message"\r\n\r\n'),
      Buffer.from(message),
      Buffer.from('\r\n--b--\r\n'),
    ])

  test.each<[string, number, string | Uint8Array, string]>([
    ['of another type', 415, '{"message":"a"}', 'application/json'],
    ['of no type', 415, 'message=a', ''],
    ['without a boundary', 400, part('a'), 'multipart/form-data'],
    ['that is cut', 400, part('a').subarray(0, 40), 'multipart/form-data; boundary=b'],
    ['of bytes that are no UTF-8', 400, part(Uint8Array.of(0x61, 0xff)), 'multipart/form-data; boundary=b'],
    ['of escaped bytes that are no UTF-8', 400, 'message=a%ff', 'application/x-www-form-urlencoded'],
    ['without a message', 422, 'text=a', 'application/x-www-form-urlencoded'],
    ['with an empty message', 422, 'message=', 'application/x-www-form-urlencoded'],
    ['with a NUL', 422, 'message=a%00b', 'application/x-www-form-urlencoded'],
    ['with 10 001 characters', 422, part('x'.repeat(10_001)), 'multipart/form-data; boundary=b'],
    ['of 70 KB', 413, part('x'.repeat(70_000)), 'multipart/form-data; boundary=b'],
  ])('%s is refused with a page, and %i', async (_, status, body, contentType) => {
    for (const place of ['frontend-lb', 'frontend1']) {
      const answer = await submit(place, body, contentType)
      expect(answer.status).toBe(status)
      const isOwnPage = status !== 413 || place === 'frontend1'
      expect(answer.headers['content-type']).toBe(isOwnPage ? 'text/html; charset=utf-8' : 'application/problem+json')
    }
  })

  test.each(['?saved=abc', '?saved=-1', '?saved=1&via=<b>', '?lang=xx', '?saved=1&by=%00&at=%ff', '?saved=99999999999999999999'])(
    'the page shrugs off %s in its address',
    async (query) => {
      const page = await ask(`${urlOf('frontend-lb')}/${query}`, { headers: BROWSER })
      expect(page.status).toBe(200)
      expect(page.text).not.toContain('<b>')
    },
  )

  test.each(['before=x', 'before=0', 'before=-1', 'before=%00'])('the list of records refuses %s with a page', async (query) => {
    const page = await ask(`${urlOf('frontend-lb')}/records?${query}`, { headers: BROWSER })
    expect(page).toMatchObject({ status: 400, headers: { 'content-type': 'text/html; charset=utf-8' } })
  })
})

describe('a request that never ends', () => {
  /** Nginx closes the connection without a word, which RFC 9110 (15.5.9) allows; a service says 408 first. */
  test.each(PLACES.flatMap((place) => UNFINISHED.map(({ name }) => ({ name, place }))))('$name at $place', async ({ name, place }) => {
    const raw = await unfinished.get(`${name} at ${place}`)!
    const answer = toAnswer(raw.status, raw.headers, raw.body)
    expect(summaryOf(answer)).toBe(place.endsWith('-lb') ? '0' : '408 request-timeout')
    if (answer.status !== 0) expectRefusal(answer)
  })
})

describe('after all that', () => {
  test('the databases hold what they held', async () => {
    expect(await recordsOfAll(stage)).toEqual(contents)
  })

  test('nothing was logged as a defect, and no tier answered 5xx', async () => {
    for (const { url, name, role } of stage.topology.nodes) {
      const counted = (await ask(`${url}/metrics`)).text.match(/relais_http_request_duration_seconds_count\{.*status="5\d\d".*/g) ?? []
      // Not counted: `/readyz` of a service that starts, and a replica's 503 with which it hands a read to the primary.
      const isExpected = (line: string): boolean =>
        line.includes('route="/readyz"') || (role === 'replica' && line.includes('status="503"'))
      expect(
        counted.filter((line) => !isExpected(line)),
        name,
      ).toEqual([])
      expect(readFileSync(stage.directory.logFile(name), 'utf8'), name).not.toContain('"level":"error"')
    }
  })

  test.each(PLACES)('a good write at %s is made', async (place) => {
    const answer = await ask(`${urlOf(place)}/api/data`, { body: { message: 'good' } })
    expect(answer).toMatchObject({ status: 201, json: { message: 'good', origin: 'DB1' } })
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    positions = await positionsOf(stage)
  })
})
