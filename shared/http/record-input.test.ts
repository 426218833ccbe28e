/** What a client may ask for: every refusal has its row of the error table and says what was found. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { problemThrownBy } from '../test/problem-thrown-by.ts'
import { parseId, parseIdempotencyKey, parsePageQuery, parseRecordInput, parseSessionToken } from './record-input.ts'

const WELL_FORMED = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter((text) => !text.includes('\0'))

describe('the body of a write', () => {
  it('gives its message to the letter, under either name', () => {
    fc.assert(
      fc.property(WELL_FORMED, fc.constantFrom('message', 'value'), (text, name) => {
        expect(parseRecordInput({ [name]: text })).toBe(text)
      }),
    )
  })

  it('may be as long as 10 000 characters, counted as characters and not as UTF-16 units', () => {
    expect(parseRecordInput({ message: 'a'.repeat(10_000) })).toHaveLength(10_000)
    expect(parseRecordInput({ message: '𝒳'.repeat(10_000) })).toHaveLength(20_000)
  })

  it.each([
    ['nothing', undefined, 'expected an object'],
    ['null', null, 'expected an object'],
    ['a string', 'text', 'expected an object'],
    ['a number', 7, 'expected an object'],
    ['an array', [{ message: 'a' }], 'expected an object'],
    ['an empty object', {}, 'message: expected a string, found nothing'],
    ['a number for a message', { message: 7 }, 'message: expected a string'],
    ['null for a message', { message: null }, 'message: expected a string'],
    ['an object for a message', { message: { toString: 'x' } }, 'message: expected a string'],
    ['an array for a value', { value: ['x'] }, 'value: expected a string'],
    ['an empty message', { message: '' }, 'message: expected at least 1 character'],
    ['NUL', { message: 'a\0b' }, 'expected no NUL character'],
    ['a lone high surrogate', { message: 'a\ud800' }, 'lone surrogate'],
    ['a lone low surrogate', { message: '\udc00a' }, 'lone surrogate'],
    ['swapped surrogates', { message: '\udc00\ud800' }, 'lone surrogate'],
    ['10 001 characters', { message: 'a'.repeat(10_001) }, 'at most 10000 characters'],
    ['10 001 characters of two units', { message: '𝒳'.repeat(10_001) }, 'at most 10000 characters'],
    ['another member', { text: 'a' }, 'unknown member "text"'],
    ['a member beside the message', { message: 'a', id: 7 }, 'unknown member "id"'],
    ['both names', { message: 'a', value: 'b' }, 'both "message" and "value"'],
    ['__proto__', JSON.parse('{"message": "a", "__proto__": {"x": 1}}'), 'unknown member "__proto__"'],
    ['constructor', JSON.parse('{"constructor": {"prototype": {}}}'), 'unknown member "constructor"'],
  ])('is refused with 422 when it is or has %s', (_, body, detail) => {
    const problem = problemThrownBy(() => parseRecordInput(body))
    expect(problem).toMatchObject({ slug: 'invalid-content', status: 422, definite: true })
    expect(problem.message).toContain(detail)
  })

  it('does not repeat a long member name in its refusal', () => {
    expect(problemThrownBy(() => parseRecordInput({ ['x'.repeat(5_000)]: 1 })).message.length).toBeLessThan(200)
  })

  it('never throws anything but a Problem, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        fc.pre(!isGood(body))
        expect(problemThrownBy(() => parseRecordInput(body)).slug).toBe('invalid-content')
      }),
    )
  })
})

describe('the query of a page', () => {
  it('asks for 20 records unless told, and for the newest', () => {
    expect(parsePageQuery(undefined, undefined)).toEqual({ limit: 20 })
    expect(parsePageQuery('1', '42')).toEqual({ limit: 1, before: 42 })
    expect(parsePageQuery('1000', String(Number.MAX_SAFE_INTEGER))).toEqual({ limit: 1_000, before: Number.MAX_SAFE_INTEGER })
  })

  it.each(['', '0', '-1', '1001', '1.5', '1e2', '0x10', ' 5', '5 ', '+5', '05', 'ten', '９', 'Infinity', 'NaN', '9'.repeat(400)])(
    'is refused with 400 for limit %j',
    (limit) => {
      const problem = problemThrownBy(() => parsePageQuery(limit, undefined))
      expect(problem).toMatchObject({ slug: 'invalid-parameter', status: 400, definite: true })
      expect(problem.message).toContain(`limit is ${JSON.stringify(limit.slice(0, 80))}, expected `)
    },
  )

  it.each(['', '0', '-1', '1.5', '9007199254740993', '99999999999999999999', 'x', '1,2'])('is refused with 400 for before %j', (before) => {
    const problem = problemThrownBy(() => parsePageQuery('5', before))
    expect(problem).toMatchObject({ slug: 'invalid-parameter', status: 400 })
    expect(problem.message).toContain(`before is ${JSON.stringify(before)}, expected a whole number from 1`)
  })
})

describe('an id', () => {
  it('is a whole number from 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (id) => {
        expect(parseId(String(id))).toBe(id)
      }),
    )
  })

  it.each(['0', '-0', '01', '1a', 'undefined', '__proto__', '9007199254740992', '..', '%31', '1\0', '1\n'])('is not %j', (text) => {
    expect(problemThrownBy(() => parseId(text))).toMatchObject({ slug: 'invalid-parameter', status: 400 })
  })
})

describe('a session token', () => {
  it('may be absent, and is a position otherwise', () => {
    expect(parseSessionToken(undefined)).toBeUndefined()
    expect(parseSessionToken('2:1042')).toEqual({ epoch: 2, lsn: 1_042 })
    expect(parseSessionToken('1:0/3000148')).toEqual({ epoch: 1, lsn: 0x3000148 })
  })

  it.each(['', '1', '1:x', '-1:5', '1:5, 1:6', 'x'.repeat(5_000)])('is refused with 400 when it is %j', (text) => {
    const problem = problemThrownBy(() => parseSessionToken(text))
    expect(problem).toMatchObject({ slug: 'invalid-parameter', status: 400 })
    expect(problem.message).toContain('expected EPOCH:POSITION')
    expect(problem.message.length).toBeLessThan(250)
  })
})

describe('an idempotency key', () => {
  it('may be absent, and is 1 to 128 visible ASCII characters otherwise', () => {
    expect(parseIdempotencyKey(undefined)).toBeUndefined()
    expect(parseIdempotencyKey('!~"a')).toBe('!~"a')
    expect(parseIdempotencyKey('k'.repeat(128))).toHaveLength(128)
  })

  it.each(['', ' ', 'a b', 'k'.repeat(129), 'é', 'a\tb', '\u007f', '\0'])('is refused with 400 when it is %j', (text) => {
    expect(problemThrownBy(() => parseIdempotencyKey(text))).toMatchObject({ slug: 'invalid-parameter', status: 400, definite: true })
  })
})

function isGood(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false
  const [member, ...others] = Object.entries(body)
  return (
    member !== undefined &&
    others.length === 0 &&
    ['message', 'value'].includes(member[0]) &&
    typeof member[1] === 'string' &&
    member[1] !== ''
  )
}
