import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { NotConfirmed, NotLocated, readProblem, writeProblem } from './failure.ts'
import { LinkLost } from './link.ts'
import { NotSent } from './job.ts'

function refusedWith(code: string, constraint?: string): Error {
  return new (postgres.PostgresError as unknown as new (fields: object) => Error)({
    severity: 'ERROR',
    code,
    constraint_name: constraint,
    message: `refused with ${code}`,
  })
}

describe('a failed write', () => {
  it.each([
    [new NotSent('overloaded', 'full'), 'overloaded', true],
    [new NotSent('unavailable', 'away'), 'store-unavailable', true],
    [new LinkLost('gone'), 'outcome-unknown', false],
    [new NotConfirmed('given up'), 'replication-timeout', false],
    [new NotLocated('no position'), 'outcome-unknown', false],
    [refusedWith('23514'), 'invalid-content', true],
    [refusedWith('22021'), 'invalid-content', true],
    [refusedWith('25006'), 'not-primary', true],
    [refusedWith('55P03'), 'store-unavailable', true],
    [refusedWith('53100'), 'store-unavailable', true],
  ])('%s is %s, definite %s', (error, slug, definite) => {
    expect(writeProblem(error, false)).toMatchObject({ name: 'Problem', slug, definite })
  })

  it.each([refusedWith('55P03'), refusedWith('23505', 'idempotency_keys_pkey')])(
    'under a key is unknown when an earlier attempt may hold it: %s',
    (error) => {
      expect(writeProblem(error, true)).toMatchObject({ slug: 'store-unavailable', definite: false })
    },
  )

  it('for a reason that nobody foresaw stays a defect', () => {
    expect(writeProblem(refusedWith('42601'), false)).not.toHaveProperty('slug')
  })
})

describe('a failed read', () => {
  it.each([refusedWith('40001'), refusedWith('57014'), new LinkLost('gone'), new NotSent('unavailable', 'away')])(
    'changed nothing: %s',
    (error) => {
      expect(readProblem(error)).toMatchObject({ slug: 'store-unavailable', status: 503, definite: true })
    },
  )

  it('is refused as overloaded when it never had its turn', () => {
    expect(readProblem(new NotSent('overloaded', 'full'))).toMatchObject({ slug: 'overloaded', definite: true })
  })

  it.each([refusedWith('42601'), new TypeError('a defect of ours')])('for a reason that nobody foresaw stays a defect: %s', (error) => {
    expect(readProblem(error)).toBe(error)
    expect(writeProblem(error, true)).toBe(error)
  })
})
