/** Problem documents: the shape of RFC 9457, and an error table that cannot contradict itself. */
import { describe, expect, it } from 'vitest'
import { ERRORS, type ErrorSlug } from './errors.ts'
import { Problem, problemType } from './problem.ts'

const SLUGS = Object.keys(ERRORS) as ErrorSlug[]

describe('a problem', () => {
  it('becomes a document with the members of RFC 9457, definite and the request id', () => {
    expect(new Problem('not-found', { detail: 'there is no record 7' }).toDocument('id-1')).toEqual({
      type: 'urn:relais:problem:not-found',
      title: 'Not found',
      status: 404,
      detail: 'there is no record 7',
      definite: true,
      requestId: 'id-1',
    })
  })

  it('explains itself by the table when nothing better is known', () => {
    expect(new Problem('upstream-cut').message).toBe(ERRORS['upstream-cut'].meaning)
  })

  it('takes definite from the one who knows better than the table', () => {
    expect(new Problem('upstream-timeout').definite).toBe(false)
    expect(new Problem('upstream-timeout', { definite: true }).toDocument('x')).toMatchObject({ definite: true })
  })

  it('carries extension members and headers, and keeps its cause to itself', () => {
    const cause = new Error('password=secret')
    const problem = new Problem('replication-conflict', { members: { expected: 7 }, headers: { 'Retry-After': '9' }, cause })
    expect(problem.toDocument('x')).toMatchObject({ expected: 7, status: 409 })
    expect(problem.headers).toEqual({ 'Retry-After': '9' })
    expect(JSON.stringify(problem.toDocument('x'))).not.toContain('secret')
  })

  it('does not share headers with others of its kind', () => {
    new Problem('overloaded').headers['idempotency-key'] = 'mine'
    expect(new Problem('overloaded').headers).toEqual({ 'Retry-After': '1' })
  })
})

describe('the error table', () => {
  it.each(SLUGS)('%s: an error status, words, and a type that names it', (slug) => {
    const row = ERRORS[slug]
    expect(row.status).toBeGreaterThanOrEqual(400)
    expect(row.status).toBeLessThan(600)
    expect(row.title).toMatch(/^[A-Z]/)
    expect(row.meaning).toMatch(/\.$/)
    expect(problemType(slug)).toBe(`urn:relais:problem:${slug}`)
  })

  it('calls every refusal of a request definite', () => {
    expect(SLUGS.filter((slug) => ERRORS[slug].status < 500 && !ERRORS[slug].definite)).toEqual([])
  })

  it('calls nothing definite that was answered by a gateway in doubt', () => {
    expect(SLUGS.filter((slug) => [500, 502, 504].includes(ERRORS[slug].status) && ERRORS[slug].definite)).toEqual([])
  })

  it('says how long to wait wherever waiting helps: 429, 502, 503, 504', () => {
    expect(SLUGS.filter((slug) => [429, 502, 503, 504].includes(ERRORS[slug].status) !== 'retryAfterSeconds' in ERRORS[slug])).toEqual([])
  })
})
