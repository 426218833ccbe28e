/** A JSON body is read strictly: what is stored is what was sent, and what cannot be written back is not read. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testService } from '../test/test-service.ts'
import { problemThrownBy } from '../test/problem-thrown-by.ts'
import { Problem } from './problem.ts'
import { parseJson, readJson } from './read-json.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

describe('a JSON text', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(parseJson(bytes(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('may be nested 32 deep, and hold any number of brackets in its strings', () => {
    expect(() => parseJson(bytes('['.repeat(32) + ']'.repeat(32)))).not.toThrow()
    expect(parseJson(bytes(JSON.stringify({ message: `${'[{'.repeat(1_000)}\\"` })))).toEqual({ message: `${'[{'.repeat(1_000)}\\"` })
  })

  it('may hold any number of brackets beside each other, and behind an escaped quote', () => {
    const beside = `[${Array.from({ length: 40 }, () => '[], {}').join()}]`
    expect(parseJson(bytes(beside))).toHaveLength(80)
    const message = `"${'[{'.repeat(40)}`
    expect(parseJson(bytes(JSON.stringify({ message })))).toEqual({ message })
  })

  it.each([
    ['nothing', '', 'not valid JSON'],
    ['half an object', '{"message": "a"', 'not valid JSON'],
    ['single quotes', "{'message': 'a'}", 'not valid JSON'],
    ['a trailing comma', '{"message": "a",}', 'not valid JSON'],
    ['two values', '{} {}', 'not valid JSON'],
    ['NaN', '{"message": NaN}', 'not valid JSON'],
    ['a raw control character', '{"message": "a\u0001"}', 'not valid JSON'],
    ['a byte order mark', '\ufeff{"message": "a"}', 'not valid JSON'],
    ['33 levels', '['.repeat(33) + ']'.repeat(33), 'nested deeper than 32'],
    ['33 levels behind an escaped quote', `["\\"", ${'['.repeat(32)}${']'.repeat(32)}]`, 'nested deeper than 32'],
    ['100 000 levels', '['.repeat(100_000), 'nested deeper than 32'],
    ['100 000 levels of objects', '{"a":'.repeat(100_000), 'nested deeper than 32'],
  ])('is refused with 400 when it is %s', (_, text, detail) => {
    const problem = problemThrownBy(() => parseJson(bytes(text)))
    expect(problem).toMatchObject({ slug: 'malformed-request', status: 400, definite: true })
    expect(problem.message).toContain(detail)
  })

  it.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xe2, 0x82, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['Latin-1', [0x22, 0xe9, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
  ])('is refused with 400 when its bytes are %s', (_, raw) => {
    const problem = problemThrownBy(() => parseJson(Uint8Array.from(raw)))
    expect(problem).toMatchObject({ slug: 'malformed-request', status: 400, message: 'the body is not valid UTF-8' })
  })

  it('never throws anything but a Problem, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
        let slug = 'malformed-request'
        try {
          parseJson(raw)
        } catch (error) {
          slug = error instanceof Problem ? error.slug : String(error)
        }
        expect(slug).toBe('malformed-request')
      }),
    )
  })
})

describe('a JSON body', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json;',
  ])('is taken as %j', async (contentType) => {
    expect((await post('{"a":1}', { 'content-type': contentType })).status).toBe(200)
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'application/json; charset=latin1',
    'application/json, text/plain',
  ])('is refused with 415 as %j', async (contentType) => {
    const response = await post('{"a":1}', { 'content-type': contentType })
    expect(await problem(response)).toMatchObject({ type: 'urn:relais:problem:unsupported-media-type', status: 415, definite: true })
  })

  it('is refused with 415 under a Content-Type of thousands of blanks, without looking at all of it', async () => {
    const contentType = `application/json${' '.repeat(8_000)}x`
    const found = await problem(await post('{}', { 'content-type': contentType }))
    expect(found).toMatchObject({ status: 415, detail: `found "${contentType.slice(0, 100)}", expected application/json in UTF-8` })
  })

  it('is refused with 415 without a Content-Type', async () => {
    const found = await problem(await post(bytes('{"a":1}'), {}))
    expect(found).toMatchObject({ status: 415, detail: 'found no Content-Type, expected application/json in UTF-8' })
  })

  it.each(['gzip', 'br', 'deflate, gzip'])('is refused with 415 under Content-Encoding %s', async (coding) => {
    const found = await problem(await post('{"a":1}', { ...JSON_TYPE, 'content-encoding': coding }))
    expect(found).toMatchObject({ status: 415, type: 'urn:relais:problem:unsupported-media-type' })
  })

  it('may have 64 KiB and not a byte more, announced or not', async () => {
    const full = JSON.stringify('a'.repeat(64 * 1024 - 2))
    expect((await post(full, JSON_TYPE)).status).toBe(200)
    expect(await problem(await post(`${full} `, JSON_TYPE))).toMatchObject({ status: 413, type: 'urn:relais:problem:body-too-large' })
    expect((await post(full, { ...JSON_TYPE, 'content-length': String(full.length) })).status).toBe(200)
    const announced = await post(`${full} `, { ...JSON_TYPE, 'content-length': String(full.length + 1) })
    expect(await problem(announced)).toMatchObject({ status: 413, definite: true })
  })

  it('that never ends is refused as soon as it is above the limit', async () => {
    let pulled = 0
    const endless = new ReadableStream({ pull: (controller) => (pulled++, controller.enqueue(new Uint8Array(8 * 1024))) })
    expect((await post(endless, JSON_TYPE)).status).toBe(413)
    expect(pulled).toBeLessThan(20)
  })

  it('that breaks off is refused with 400', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('cut')) })
    expect(await problem(await post(broken, JSON_TYPE))).toMatchObject({ status: 400, type: 'urn:relais:problem:malformed-request' })
  })
})

const service = testService('backend1')
service.app.post('/', async (c) => c.env.exchange.json(200, await readJson(c)))

function post(body: RequestInit['body'], headers: Record<string, string>): Promise<Response> {
  return service.request('/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
}

async function problem(response: Response): Promise<unknown> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return response.json()
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text))
}
