/** A signature is good for one call, for half a minute, under one secret. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf, Signer, type SignedCall } from './signature.ts'

const SECRET = 'ab'.repeat(32)
const CALL: SignedCall = { method: 'POST', path: '/api/replicate', body: '{"kind":"batch"}' }
const NOW_MS = 1_700_000_000_000

describe('a signature', () => {
  it('is genuine for the very call it was made for, as text or as bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom('GET', 'POST'), fc.webPath(), fc.string({ unit: 'binary' }), (method, path, body) => {
        const signature = signer().sign({ method, path, body })
        expect(signer().isGenuine(signature, { method, path, body })).toBe(true)
        expect(signer().isGenuine(signature, { method, path, body: Buffer.from(body) })).toBe(true)
      }),
    )
  })

  it.each<[string, SignedCall]>([
    ['method', { ...CALL, method: 'GET' }],
    ['path', { ...CALL, path: '/api/data' }],
    ['query', { ...CALL, path: '/api/replicate?part=1' }],
    ['body', { ...CALL, body: '{"kind":"batch" }' }],
    ['body left out', { ...CALL, body: '' }],
    ['border between path and body', { ...CALL, path: '/api/replicate\n', body: CALL.body }],
  ])('is not genuine for another %s', (_, other) => {
    expect(signer().isGenuine(signer().sign(CALL), other)).toBe(false)
  })

  it('is not genuine under another secret', () => {
    expect(signer().isGenuine(new Signer('cd'.repeat(32), () => NOW_MS).sign(CALL), CALL)).toBe(false)
  })

  it.each([
    [0, true],
    [30_000, true],
    [-30_000, true],
    [30_001, false],
    [-30_001, false],
    [86_400_000, false],
  ])('made %i ms ago: %s', (ageMs, isGenuine) => {
    expect(signer().isGenuine(signer(NOW_MS - ageMs).sign(CALL), CALL)).toBe(isGenuine)
  })

  it('cannot be given another time', () => {
    const [, digest, mac] = signer(NOW_MS - 60_000)
      .sign(CALL)
      .split('.')
    expect(signer().isGenuine(`${NOW_MS}.${digest}.${mac}`, CALL)).toBe(false)
  })

  it('cannot be given another body', () => {
    const [timeMs, , mac] = signer().sign(CALL).split('.')
    const other = { ...CALL, body: 'other' }
    expect(signer().isGenuine(`${timeMs}.${digestOf(other.body)}.${mac}`, other)).toBe(false)
  })

  it.each([
    undefined,
    '',
    '.',
    'x',
    `${NOW_MS}`,
    `${NOW_MS}.`,
    `.${'0'.repeat(64)}`,
    `${NOW_MS}.${'0'.repeat(64)}`,
    `${NOW_MS}.${'0'.repeat(64)}.${'0'.repeat(64)}`,
    `${NOW_MS}.${'0'.repeat(64)}.${'z'.repeat(64)}`,
    `NaN.${'0'.repeat(64)}.${'0'.repeat(64)}`,
  ])('is not %j', (text) => {
    expect(signer().isGenuine(text, CALL)).toBe(false)
  })
})

describe('the signature of an answer', () => {
  const call = signer().sign(CALL)
  const answer = { status: 200, body: '{"position":{"epoch":1,"lsn":3}}' }

  it('is genuine for that answer to that call', () => {
    expect(signer().isGenuineAnswer(signer().signAnswer(call, answer), call, answer)).toBe(true)
  })

  it.each([
    ['to another call', signer().sign({ ...CALL, body: 'other' }), answer],
    ['with another status', call, { ...answer, status: 409 }],
    ['with another body', call, { ...answer, body: '{"position":{"epoch":1,"lsn":4}}' }],
  ])('is not genuine for one %s', (_, otherCall, other) => {
    expect(signer().isGenuineAnswer(signer().signAnswer(call, answer), otherCall, other)).toBe(false)
  })

  const genuine = signer().signAnswer(call, answer)
  it.each([undefined, '', 'x', call, [genuine, genuine], new Signer('cd'.repeat(32)).signAnswer(call, answer)])(
    'is not %j',
    (signature) => {
      expect(signer().isGenuineAnswer(signature, call, answer)).toBe(false)
    },
  )
})

describe('a secret', () => {
  it.each(['', 'secret', 'ab'.repeat(31), 'ab'.repeat(32).slice(1), 'zz'.repeat(32)])('is not %j', (secret) => {
    expect(() => new Signer(secret)).toThrow('32 bytes or more in hexadecimal')
  })
})

function signer(nowMs = NOW_MS): Signer {
  return new Signer(SECRET, () => nowMs)
}
