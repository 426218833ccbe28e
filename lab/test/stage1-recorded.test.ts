/**
 * The interface that the report recorded (section 6.5), as written there, and what every answer and every log says of its way.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type Answer } from './support/ask.ts'
import { areLevel, recordsOf } from './support/database-contents.ts'
import { accessLines, serviceLines, type AccessLine } from './support/log-lines.ts'
import { LEVEL, LOGGED } from './support/patience.ts'
import { askTimes, testRecordedCommands } from './support/recorded-commands.ts'
import { RunningStage } from './support/running-stage.ts'

let stage: RunningStage
let frontend: string
let backend: string
let database: string
beforeAll(async () => {
  stage = await RunningStage.start()
  frontend = stage.entry('frontend')
  backend = stage.entry('backend')
  database = stage.entry('db')
})
afterAll(() => stage?.remove())

function countByServer(answers: readonly Answer[]): Record<string, number> {
  return Object.fromEntries(['DB1', 'DB2', 'DB3'].map((server) => [server, answers.filter(({ json }) => json.server === server).length]))
}

describe('the recorded commands', () => {
  testRecordedCommands(() => ({ entry: (tier) => stage.entry(tier), isLevel: () => areLevel(stage) }))

  test('POST /api/replicate, unsigned, is not the user’s: no replica takes it', async () => {
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const before = await recordsOf(stage.url('db2'))
    expect(await ask(`${stage.url('db2')}/api/replicate`, { body: { message: 'forged' } })).toMatchObject({ status: 401 })
    expect(await recordsOf(stage.url('db2'))).toEqual(before)
  })

  test('POST /save and GET /data answer in their tier’s shape at every tier', async () => {
    const saved = await ask(`${database}/save`, { body: { message: 'at db-lb' } })
    expect(saved.text).toBe(`{"message":"Donnée 'at db-lb' sauvegardée sur DB 1"}`)
    const passedOn = await ask(`${frontend}/save`, { body: { message: 'at frontend-lb' } })
    expect(Object.keys(passedOn.json)).toEqual(['db_response', 'server_id', 'status'])
    expect(passedOn.way).toHaveLength(3)
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    for (const url of [frontend, backend]) {
      expect((await ask(`${url}/data`, { headers: { accept: '*/*' } })).json).toMatchObject({ message: 'at frontend-lb', origin: 'DB1' })
    }
  })
})

describe('the read/write split', () => {
  test('spreads 300 reads over all three databases, each replica clearly above the primary', async () => {
    const before = accessLines(stage, 'db-lb', 'read').length
    const answers = await askTimes(300, (number) => ask(`${database}/data`, { headers: { 'x-request-id': `spread-${number}` } }))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    const counts = countByServer(answers)
    // Weights 1, 2, 2: 60, 120, 120 in the mean.
    expect(counts['DB1']).toBeGreaterThanOrEqual(30)
    expect(counts['DB2']).toBeGreaterThan(1.4 * counts['DB1']!)
    expect(counts['DB3']).toBeGreaterThan(1.4 * counts['DB1']!)

    const spread = (): AccessLine[] => accessLines(stage, 'db-lb', 'read').filter(({ requestId }) => requestId.startsWith('spread-'))
    await expect.poll(() => spread().length, LOGGED).toBe(300)
    expect(accessLines(stage, 'db-lb', 'read').length).toBeGreaterThanOrEqual(before + 300)
    const logged = spread().map(({ upstreamAddress }) => stage.nameAt(upstreamAddress))
    for (const name of ['db1', 'db2', 'db3']) expect(logged.filter((one) => one === name)).toHaveLength(counts[name.toUpperCase()]!)
    expect(spread().every(({ lane, upstream, status }) => lane === 'read' && upstream === 'db_read' && status === 200)).toBe(true)
  })

  test('lands every write, of every kind and through every tier, on db1', async () => {
    const mark = { 'x-request-id': 'write-split' }
    let expected = 0
    for (const url of [frontend, backend, database]) {
      const { json } = await ask(`${url}/api/data`, { body: { message: 'first' }, headers: mark })
      const record = `${url}/api/data/${json.id as number}`
      expect(await ask(record, { method: 'PUT', body: { message: 'second' }, headers: mark })).toMatchObject({ status: 200 })
      expect(await ask(record, { method: 'DELETE', headers: mark })).toMatchObject({ status: 204 })
      expect(await ask(`${url}/save`, { body: { message: 'third' }, headers: mark })).toMatchObject({ status: 200 })
      expected += 4
    }
    const writes = (): AccessLine[] => accessLines(stage, 'db-lb', 'write')
    await expect.poll(() => writes().filter(({ requestId }) => requestId === 'write-split').length, LOGGED).toBe(expected)
    // All there ever were on this stage, not only the marked ones.
    expect(new Set(writes().map(({ upstreamAddress }) => stage.nameAt(upstreamAddress)))).toEqual(new Set(['db1']))
    expect(new Set(writes().map(({ upstream }) => upstream))).toEqual(new Set(['db_primary']))
  })

  test('logs reads and writes apart at every load balancer', async () => {
    const headers = { 'x-request-id': 'apart-1' }
    await ask(`${frontend}/api/data`, { headers })
    await ask(`${frontend}/api/data`, { body: { message: 'apart' }, headers })
    for (const balancer of ['frontend-lb', 'backend-lb', 'db-lb']) {
      const methods = (kind: 'read' | 'write'): string[] =>
        accessLines(stage, balancer, kind).flatMap(({ requestId, method }) => (requestId === 'apart-1' ? [method] : []))
      await expect.poll(() => [methods('read'), methods('write')], LOGGED).toEqual([['GET'], ['POST']])
      expect(accessLines(stage, balancer, 'read').every(({ method }) => ['GET', 'HEAD', 'OPTIONS'].includes(method))).toBe(true)
      expect(accessLines(stage, balancer, 'write').every(({ method }) => ['POST', 'PUT', 'DELETE'].includes(method))).toBe(true)
    }
  })
})

describe('an answer', () => {
  test('names the instance of each tier that it went through, and what each one spent', async () => {
    const answers = await askTimes(9, () => ask(`${frontend}/api/data`))
    for (const { headers, way } of answers) {
      expect(headers['x-served-by']).toMatch(/^frontend[123], backend[123], db[123]$/)
      const timing = String(headers['server-timing'])
      expect(timing).toMatch(/^frontend\d;dur=\d+\.\d\d, backend\d;dur=\d+\.\d\d, db\d;dur=\d+\.\d\d$/)
      expect(timing.split(', ').map((entry) => entry.split(';')[0])).toEqual(way)
      const spentMs = timing.split(', ').map((entry) => Number(entry.split('=')[1]))
      expect(spentMs).toEqual(spentMs.toSorted((a, b) => b - a))
    }
    for (const tier of [0, 1, 2]) expect(new Set(answers.map(({ way }) => way[tier])).size).toBe(3)
  })

  test('reaches each frontend and each backend equally often', async () => {
    const answers = await askTimes(30, () => ask(`${frontend}/api/data?limit=1`))
    for (const name of ['frontend1', 'frontend2', 'frontend3', 'backend1', 'backend2', 'backend3']) {
      expect(answers.filter(({ way }) => way.includes(name))).toHaveLength(10)
    }
  })

  test('keeps a well-formed request id, and every log of every tier has it', async () => {
    const requestId = 'Traced_1.2-3'
    const answer = await ask(`${frontend}/api/data`, { body: { message: 'traced' }, headers: { 'X-Request-ID': requestId } })
    expect(answer).toMatchObject({ status: 201, headers: { 'x-request-id': requestId } })
    for (const name of answer.way) {
      const servedBy = answer.way.slice(answer.way.indexOf(name)).join(', ')
      const lines = (): unknown[] => serviceLines(stage, name).filter((line) => line['requestId'] === requestId)
      await expect.poll(lines, LOGGED).toMatchObject([{ method: 'POST', path: '/api/data', status: 201, servedBy }])
    }
    for (const [balancer, name] of [
      ['frontend-lb', answer.way[0]],
      ['backend-lb', answer.way[1]],
      ['db-lb', answer.way[2]],
    ] as const) {
      const chosen = (): (string | undefined)[] =>
        accessLines(stage, balancer, 'write').flatMap((line) => (line.requestId === requestId ? [stage.nameAt(line.upstreamAddress)] : []))
      await expect.poll(chosen, LOGGED).toEqual([name])
    }
  })

  test.each(['', 'x'.repeat(65), 'a b', '{"a":1}', 'a;b', 'ä'])('replaces the request id %j by one of its own', async (asked) => {
    const { headers } = await ask(`${frontend}/api/data?limit=1`, { headers: { 'X-Request-ID': Buffer.from(asked).toString('latin1') } })
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('the pages', () => {
  const BROWSER = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }

  test('answer a browser’s GET /data with HTML and a program’s with JSON', async () => {
    const page = await ask(`${frontend}/data`, { headers: BROWSER })
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(page.headers.vary).toContain('Accept')
    expect(page.text).toContain('<title>Records – relais</title>')
    const json = await ask(`${frontend}/data`, { headers: { accept: '*/*' } })
    expect(json.headers['content-type']).toContain('application/json')
  })

  test.each([
    ['en', 'en-GB,en;q=0.9', 'Save a message, see the way it takes', 'Save message'],
    ['fr', 'fr-CH, fr;q=0.9, en;q=0.8', 'Enregistrez un message, voyez le chemin qu’il prend', 'Enregistrer le message'],
  ])('speak %s to who asks for it', async (language, accepted, heading, button) => {
    const { status, text } = await ask(`${frontend}/`, { headers: { ...BROWSER, 'accept-language': accepted } })
    expect(status).toBe(200)
    expect(text).toContain(`<html lang="${language}">`)
    expect(text).toContain(`<h1>${heading}</h1>`)
    expect(text).toContain(button)
  })

  test.each([
    ['urlencoded', () => new URLSearchParams({ message: 'Ünïcode & <b>markup</b>' })],
    ['multipart', () => formData({ message: 'Ünïcode & <b>markup</b>' })],
  ])('take a %s form, and the page that follows shows the record and its way', async (_, makeBody) => {
    const form = new Request('http://form.test', { method: 'POST', body: makeBody() })
    const headers = { ...BROWSER, 'content-type': form.headers.get('content-type')! }
    const sent = await ask(`${frontend}/submit`, { method: 'POST', headers, body: new Uint8Array(await form.arrayBuffer()) })
    expect(sent.status).toBe(303)
    const id = new URL(sent.headers.location!, frontend).searchParams.get('saved')
    // At once and from whichever database: the address carries how fresh it has to be.
    const page = await ask(new URL(sent.headers.location!, frontend).href, { headers: BROWSER })
    expect(page.status).toBe(200)
    expect(page.text).toContain(`Record ${id!} is saved`)
    expect(page.text).toContain('DB1 took the write.')
    expect(page.text).toContain(`It went through ${sent.way[0]!}`)
    expect(page.text).toContain(`id="record-${id!}"`)
    expect(page.text).toContain('Ünïcode &amp; &lt;b&gt;markup&lt;/b&gt;')
    expect(page.text).not.toContain('<b>markup')
    for (const name of page.way) expect(page.text).toContain(name)
  })

  test('save a form once that is sent twice, as by a double click', async () => {
    const { text } = await ask(`${frontend}/`, { headers: BROWSER })
    const key = /name="key" value="([^"]+)"/.exec(text)![1]!
    const headers = { ...BROWSER, 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams({ message: 'clicked twice', key }).toString()
    const sent = await Promise.all([1, 2].map(() => ask(`${frontend}/submit`, { method: 'POST', headers, body })))
    expect(sent.map(({ status }) => status)).toEqual([303, 303])
    const saved = sent.map(({ headers: { location } }) => new URL(location!, frontend).searchParams.get('saved'))
    expect(saved[0]).toBe(saved[1])
    expect((await recordsOf(stage.url('db1'))).filter(({ message }) => message === 'clicked twice')).toHaveLength(1)
  })

  test('forbid scripts and everything from elsewhere, on every page and on errors', async () => {
    for (const path of ['/', '/records', '/data', '/nowhere', '/records?before=x']) {
      const { headers, text } = await ask(`${frontend}${path}`, { headers: BROWSER })
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(policy).not.toContain('script-src')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(text).not.toMatch(/<script|\son\w+=|\sstyle=/)
    }
  })

  test('link assets that exist, are kept for good and are not sent twice', async () => {
    const { text } = await ask(`${frontend}/`, { headers: BROWSER })
    const hrefs = [...text.matchAll(/href="(\/assets\/[^"]+)"/g)].map(([, href]) => href!)
    expect(hrefs.map((href) => href.split('?')[0]!)).toEqual(['/assets/favicon.svg', '/assets/style.css'])
    for (const href of hrefs) {
      const asset = await ask(frontend + href)
      expect(asset.status).toBe(200)
      expect(asset.headers['cache-control']).toContain('immutable')
      expect(asset.headers['content-type']).toMatch(/^(?:text\/css|image\/svg\+xml); charset=utf-8$/)
      const again = await ask(frontend + href, { headers: { 'if-none-match': asset.headers.etag! } })
      expect(again).toMatchObject({ status: 304, text: '' })
    }
  })
})

describe('the REST interface', () => {
  test('pages by keyset through everything, newest first, without a gap or a repeat', async () => {
    await askTimes(25, (number) => ask(`${frontend}/api/data`, { body: { message: `paged ${number}` } }))
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const ids: number[] = []
    let next: number | null = null
    do {
      const { json }: Answer = await ask(`${frontend}/api/data?limit=7${next === null ? '' : `&before=${next}`}`)
      ids.push(...(json.records as { id: number }[]).map(({ id }) => id))
      next = json.next as number | null
    } while (next !== null)
    expect(ids).toEqual((await recordsOf(stage.url('db1'))).map(({ id }) => id).toReversed())
  })

  test('reads, replaces and removes one record', async () => {
    const fresh = { 'x-read-from': 'primary' }
    const { json, headers } = await ask(`${frontend}/api/data`, { body: { message: 'one' } })
    const url = frontend + headers.location!
    const { server: _, ...record } = json
    expect((await ask(url, { headers: fresh })).json).toEqual({ ...record, server: 'DB1' })
    const replaced = await ask(url, { method: 'PUT', body: { message: 'two' } })
    expect(replaced.json).toMatchObject({ id: record.id, message: 'two', createdAt: record.createdAt })
    expect((await ask(url, { headers: fresh })).json).toMatchObject({ message: 'two' })
    expect(await ask(url, { method: 'DELETE' })).toMatchObject({ status: 204, text: '' })
    for (const method of ['GET', 'DELETE']) {
      expect(await ask(url, { method, headers: fresh })).toMatchObject({ status: 404, problem: 'not-found' })
    }
    const head = await ask(`${frontend}/api/data`, { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, text: '' })
  })

  test('hides health and metrics from users, and shows them to operators', async () => {
    for (const path of ['/livez', '/readyz', '/metrics', '/primary', '/replica']) {
      expect(await ask(frontend + path)).toMatchObject({ status: 404, problem: 'not-found' })
    }
    for (const { url, role } of stage.topology.nodes) {
      expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 })
      expect(await ask(`${url}/readyz`)).toMatchObject({ status: 200 })
      expect((await ask(`${url}/metrics`)).text).toContain('relais_http_request_duration_seconds_count')
      if (role === null) continue
      expect((await ask(`${url}/primary`)).status).toBe(role === 'primary' ? 200 : 503)
      expect((await ask(`${url}/replica?lag=1000`)).status).toBe(role === 'replica' ? 200 : 503)
    }
  })
})

function formData(fields: Record<string, string>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.set(name, value)
  return data
}
