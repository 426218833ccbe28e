/**
 * What a client may ask for: the body of a write, an id, a page, a session token, an idempotency key.
 *
 * Backends and database services both hold requests against these rules: a backend so that nothing invalid crosses the
 * tier, a database service because its load balancer has a port of its own.
 */
import { z } from 'zod'
import type { PageQuery } from '../store/store.ts'
import { parsePosition, type Position } from '../store/position.ts'
import { Problem } from './problem.ts'
import { IDEMPOTENCY_KEY, SESSION_TOKEN } from './headers.ts'

const MESSAGE_CHARACTERS_MAX = 10_000
const PAGE_LIMIT_MAX = 1_000
const PAGE_LIMIT_DEFAULT = 20

const message = z
  .string({ error: 'expected a string' })
  .min(1, 'expected at least 1 character')
  .refine((text) => !text.includes('\u0000'), 'expected no NUL character')
  .refine((text) => text.isWellFormed(), 'expected well-formed Unicode, found a lone surrogate')
  .refine(isShortEnough, `expected at most ${MESSAGE_CHARACTERS_MAX} characters`)

/** The message of `{"message": …}`, or of `{"value": …}` as the report's own script writes it (section 6.5); throws `invalid-content`. */
export function parseRecordInput(body: unknown): string {
  const member = memberName(body)
  const result = message.safeParse((body as Record<string, unknown>)[member])
  if (result.success) return result.data
  throw new Problem('invalid-content', { detail: `${member}: ${result.error.issues[0]?.message ?? 'expected a message'}` })
}

/** The one member that the object has; anything beside it is refused, `__proto__` included, which zod would not see. */
function memberName(body: unknown): 'message' | 'value' {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Problem('invalid-content', { detail: 'expected an object like {"message": "text"}' })
  }
  const names = Object.keys(body)
  const unknownName = names.find((name) => name !== 'message' && name !== 'value')
  if (unknownName !== undefined) {
    throw new Problem('invalid-content', { detail: `unknown member ${JSON.stringify(unknownName.slice(0, 40))}, expected "message"` })
  }
  if (names.length === 2) throw new Problem('invalid-content', { detail: 'found both "message" and "value", expected one of them' })
  if (names.length === 0) throw new Problem('invalid-content', { detail: 'message: expected a string, found nothing' })
  return names[0] as 'message' | 'value'
}

function isShortEnough(text: string): boolean {
  if (text.length <= MESSAGE_CHARACTERS_MAX) return true
  if (text.length > 2 * MESSAGE_CHARACTERS_MAX) return false
  let characters = 0
  for (const _ of text) characters++
  return characters <= MESSAGE_CHARACTERS_MAX
}

/** `limit` and `before` of a page; throws `invalid-parameter`. */
export function parsePageQuery(limit: string | undefined, before: string | undefined): PageQuery {
  const query = { limit: limit === undefined ? PAGE_LIMIT_DEFAULT : positiveInteger('limit', limit) }
  if (query.limit > PAGE_LIMIT_MAX) throw invalid('limit', limit!, `1 to ${PAGE_LIMIT_MAX}`)
  return before === undefined ? query : { ...query, before: positiveInteger('before', before) }
}

/** A record's id from a path; throws `invalid-parameter`. */
export function parseId(text: string): number {
  return positiveInteger('id', text)
}

/** The session token of a request, if it has one; throws `invalid-parameter`. */
export function parseSessionToken(text: string | undefined): Position | undefined {
  if (text === undefined) return undefined
  const position = parsePosition(text)
  if (!position) throw invalid(SESSION_TOKEN, text, 'EPOCH:POSITION as an earlier answer gave it')
  return position
}

/** The idempotency key of a request, if it has one; throws `invalid-parameter`. */
export function parseIdempotencyKey(text: string | undefined): string | undefined {
  if (text === undefined || /^[\x21-\x7e]{1,128}$/.test(text)) return text
  throw invalid(IDEMPOTENCY_KEY, text, '1 to 128 visible ASCII characters')
}

function positiveInteger(name: string, text: string): number {
  const number = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw invalid(name, text, 'a whole number from 1')
  return number
}

function invalid(name: string, found: string, expected: string): Problem {
  return new Problem('invalid-parameter', { detail: `${name} is ${JSON.stringify(found.slice(0, 80))}, expected ${expected}` })
}
