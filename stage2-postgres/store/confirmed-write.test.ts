import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { Changes } from './changes.ts'
import { writeProblem } from './failure.ts'
import { InsertLane } from './insert-lane.ts'
import { LinkLost, type Link } from './link.ts'
import type { Pool } from './pool.ts'

const ROW = { place: 1, fingerprint: null, id: 7, origin: 'DB1', created_at: 1, updated_at: 1 }

function refusedWith(code: string): Error {
  return new (postgres.PostgresError as unknown as new (fields: object) => Error)({ severity: 'ERROR', code, message: code })
}

/** One link that answers the write, then the question for its position; an error is a rejection. */
function poolThatAnswers(...answers: unknown[]): Pool {
  const query = async (): Promise<unknown> => {
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    return answer
  }
  const link = { warnings: 0, query } as unknown as Link
  return { submit: (work: (link: Link) => Promise<unknown>) => ({ outcome: work(link) }) } as unknown as Pool
}

describe.each([
  ['an insert', (pool: Pool) => new InsertLane({ pool, origin: 'DB1' }).submit('message', null, '')],
  ['a replacement', (pool: Pool) => new Changes(pool).replace(7, 'message', null, '')],
  ['a removal', (pool: Pool) => new Changes(pool).remove(7, null, '')],
])('%s', (_, submit) => {
  const failure = (...answers: unknown[]): Promise<unknown> =>
    submit(poolThatAnswers(...answers)).outcome.catch((error: unknown) => writeProblem(error, false))

  it('is answered with the position that was read after its commit', async () => {
    expect(await submit(poolThatAnswers([ROW], [{ lsn: '0/10' }])).outcome).toMatchObject({ record: { id: 7 }, lsn: '0/10' })
  })

  it.each([refusedWith('57014'), refusedWith('53200'), refusedWith('22000'), new LinkLost('gone')])(
    'is not reported as refused when only its position was: %s',
    async (error) => {
      expect(await failure([ROW], error)).toMatchObject({ slug: 'outcome-unknown', definite: false })
    },
  )

  it('is certainly not made when it was refused itself', async () => {
    expect(await failure(refusedWith('53100'), refusedWith('53100'))).toMatchObject({ slug: 'store-unavailable', definite: true })
  })
})
