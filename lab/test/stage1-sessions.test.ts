/**
 * Session tokens with replicas that are 400 ms behind: what a client has seen it never loses sight of, if it sends its token.
 *
 * The delay is the test hook `RELAIS_FAULT_REPLICATION_DELAY_MS`, which reaches the services through the lab's environment as it would from
 * a user's shell. First the failure without a token, then its absence with one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { comparePositions, parsePosition } from '@relais/shared/store/position.ts'
import { ask, type Answer } from './support/ask.ts'
import { areLevel } from './support/database-contents.ts'
import { followAccess } from './support/log-lines.ts'
import { LEVEL, LOGGED } from './support/patience.ts'
import { RunningStage } from './support/running-stage.ts'
import { seededRandom } from './support/seeded-random.ts'

const random = seededRandom('stage1-sessions')
let stage: RunningStage
let frontend: string
beforeAll(async () => {
  stage = await RunningStage.start({}, { RELAIS_FAULT_REPLICATION_DELAY_MS: '400' })
  frontend = stage.entry('frontend')
})
afterAll(() => stage?.remove())

const tokenOf = ({ headers }: Answer): string => String(headers['x-session-token'])
const newestIdOf = ({ json }: Answer): number => (json.records as { id: number }[])[0]?.id ?? 0
const newer = (a: string, b: string): string => (comparePositions(parsePosition(a)!, parsePosition(b)!) >= 0 ? a : b)

function write(headers: Record<string, string> = {}, message = 'seen'): Promise<Answer> {
  return ask(`${frontend}/api/data`, { body: { message }, headers })
}

function readNewest(headers: Record<string, string> = {}): Promise<Answer> {
  return ask(`${frontend}/api/data?limit=1`, { headers })
}

/** Writes and at once reads ten times with these headers; resolves to how many reads did not have the write, and who answered. */
async function readAfterWrite(headers: Record<string, string>): Promise<{ stale: number; servers: Set<string> }> {
  const { json } = await write()
  const answers = await Promise.all(Array.from({ length: 10 }, () => readNewest(headers)))
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
  return {
    stale: answers.filter((answer) => newestIdOf(answer) < (json.id as number)).length,
    servers: new Set(answers.map((answer) => answer.json.server as string)),
  }
}

/** One visitor: mixed operations, and after each the check that nothing older was shown than it had seen. */
class Session {
  readonly servers = new Set<string>()
  readonly violations: string[] = []
  operations = 0
  #token: string | undefined
  #newestId = 0
  /** A record of its own, and what it last wrote there. */
  #own: { id: number; message: string } | undefined

  async run(count: number): Promise<void> {
    await this.#insert()
    const actions = [() => this.#insert(), () => this.#replace(), () => this.#page(), () => this.#page(), () => this.#record()]
    while (this.operations < count) await random.pick(actions)()
  }

  async #ask(path: string, question: { method?: string; body?: object } = {}): Promise<Answer> {
    const headers = this.#token === undefined ? {} : { 'x-session-token': this.#token }
    const answer = await ask(`${frontend}/api/data${path}`, { ...question, headers })
    const number = ++this.operations
    if (answer.status > 201) this.violations.push(`operation ${number}: ${answer.status} ${answer.text}`)
    const shown = tokenOf(answer)
    const isRead = question.method === undefined && question.body === undefined
    if (isRead && this.#token !== undefined && newer(shown, this.#token) !== shown) {
      this.violations.push(`operation ${number}: had seen ${this.#token}, was shown ${shown} by ${answer.way.join(', ')}`)
    }
    this.#token = this.#token === undefined ? shown : newer(this.#token, shown)
    if (isRead) this.servers.add(answer.json.server as string)
    return answer
  }

  async #insert(): Promise<void> {
    const message = `inserted by operation ${this.operations + 1}`
    const { json } = await this.#ask('', { body: { message } })
    this.#own = { id: json.id as number, message }
    this.#newestId = Math.max(this.#newestId, this.#own.id)
  }

  async #replace(): Promise<void> {
    const message = `replaced by operation ${this.operations + 1}`
    await this.#ask(`/${this.#own!.id}`, { method: 'PUT', body: { message } })
    this.#own!.message = message
  }

  /** Ids ascend with commit order, so an older history shows in a smaller newest id. */
  async #page(): Promise<void> {
    const answer = await this.#ask('?limit=1')
    const found = newestIdOf(answer)
    if (found < this.#newestId)
      this.violations.push(`operation ${this.operations}: had seen record ${this.#newestId}, the newest was ${found}`)
    this.#newestId = Math.max(this.#newestId, found)
  }

  async #record(): Promise<void> {
    const { json } = await this.#ask(`/${this.#own!.id}`)
    if (json.message !== this.#own!.message) {
      this.violations.push(`operation ${this.operations}: wrote "${this.#own!.message}", read "${String(json.message)}"`)
    }
  }
}

describe('with replicas that are behind', () => {
  test('a client without a token is shown less than it wrote', async () => {
    const { stale } = await readAfterWrite({})
    expect(stale).toBeGreaterThan(0)
  })

  test('a client without a token is shown less than it has already read', async () => {
    const { json } = await write()
    const seen = await readNewest({ 'x-read-from': 'primary' })
    expect(newestIdOf(seen)).toBe(json.id)
    const answers = await Promise.all(Array.from({ length: 10 }, () => readNewest()))
    expect(answers.some((answer) => newestIdOf(answer) < newestIdOf(seen))).toBe(true)
  })

  test('a client that sends its token is never shown less than it has seen, over 400 mixed operations', async () => {
    const sessions = Array.from({ length: 8 }, () => new Session())
    await Promise.all(sessions.map((session) => session.run(50)))
    expect(sessions.flatMap(({ violations }) => violations).slice(0, 10)).toEqual([])
    expect(sessions.reduce((sum, { operations }) => sum + operations, 0)).toBeGreaterThanOrEqual(400)
  })

  test('a read that asks for more than its replica has is moved to the primary, and the replica is not called failed', async () => {
    const lines = followAccess(stage, 'db-lb')
    const written = await write()
    const answers = await Promise.all(Array.from({ length: 10 }, () => readNewest({ 'x-session-token': tokenOf(written) })))
    expect(answers.filter((answer) => newestIdOf(answer) < (written.json.id as number))).toEqual([])
    expect(answers.every(({ headers }) => headers['x-accel-redirect'] === undefined)).toBe(true)
    const moved = (): readonly string[] => lines().flatMap((line) => (line.moved ? [line.upstreamAddress] : []))
    await expect.poll(() => moved().length, LOGGED).toBeGreaterThan(0)
    for (const address of moved())
      expect(address.split(' : ').map((one) => stage.nameAt(one))).toEqual([expect.stringMatching(/^db[23]$/), 'db1'])
    // At db-lb itself, whose answer is the one of the load balancer that moved it: two headers of a name would be joined.
    const again = await write()
    const atTheBalancer = await Promise.all(
      Array.from({ length: 10 }, () => ask(`${stage.entry('db')}/api/data?limit=1`, { headers: { 'x-session-token': tokenOf(again) } })),
    )
    // The primary's own share of reads is two of ten.
    expect(atTheBalancer.filter(({ json }) => json.server === 'DB1').length).toBeGreaterThan(4)
    expect(new Set(atTheBalancer.map(({ headers }) => headers['cache-control']))).toEqual(new Set(['no-store']))
    // Nobody was taken out: without a token all three go on serving.
    expect((await readAfterWrite({})).servers).toEqual(new Set(['DB1', 'DB2', 'DB3']))
  })

  test('a token that a replica has reached lets it serve', async () => {
    const token = tokenOf(await write())
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const answers = await Promise.all(Array.from({ length: 10 }, () => readNewest({ 'x-session-token': token })))
    expect(new Set(answers.map(({ json }) => json.server as string))).toEqual(new Set(['DB1', 'DB2', 'DB3']))
  })

  test('a removed record stays removed for who has removed it', async () => {
    const { json } = await write()
    const url = `${frontend}/api/data/${json.id as number}`
    await expect.poll(() => areLevel(stage), LEVEL).toBe(true)
    const token = tokenOf(await ask(url, { method: 'DELETE' }))
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(url, { headers: { 'x-session-token': token } })))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(404))
  })
})

describe('X-Read-From', () => {
  test('primary is always fresh and always served by db1', async () => {
    for (let round = 1; round <= 5; round++) {
      expect(await readAfterWrite({ 'x-read-from': 'primary' })).toEqual({ stale: 0, servers: new Set(['DB1']) })
    }
  })

  test.each([
    'Primary',
    'PRIMARY',
    'primary,primary',
    'primary;q=1',
    '"primary"',
    'xprimary',
    'primaryx',
    'replica',
    'db1',
    '@primary',
    '1',
  ])('%j forces nothing', async (value) => {
    const { stale, servers } = await readAfterWrite({ 'x-read-from': value })
    expect(stale).toBeGreaterThan(0)
    expect(servers.size).toBeGreaterThan(1)
  })
})

describe('a forged token', () => {
  test.each(['999:999', '9999999999:9007199254740991', '1:9007199254740991', '0:0', '0:999999', '1:0/3000148', '7:0/0'])(
    '%s of the right form is answered by the primary at the latest, and is nobody’s failure',
    async (token) => {
      for (const tier of ['frontend', 'backend', 'db'] as const) {
        const answers = await Promise.all(
          Array.from({ length: 5 }, () => ask(`${stage.entry(tier)}/api/data?limit=1`, { headers: { 'x-session-token': token } })),
        )
        expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200))
      }
    },
  )

  test.each([
    '1',
    ':',
    '1:',
    ':1',
    '-1:5',
    '1:-5',
    '1:5:7',
    '1.5:2',
    '1e3:2',
    '0x1:2',
    'a:b',
    '1:9007199254740992',
    `1:${'9'.repeat(500)}`,
    "1:2'; --",
  ])('%j of another form is refused with 400, by the first tier that reads it', async (token) => {
    for (const tier of ['frontend', 'backend', 'db'] as const) {
      const answer = await ask(`${stage.entry(tier)}/api/data?limit=1`, { headers: { 'x-session-token': token } })
      expect(answer).toMatchObject({ status: 400, problem: 'invalid-parameter', json: { definite: true } })
    }
  })

  test('in the address of a page is ignored', async () => {
    for (const at of ['999:999', 'junk', '<script>']) {
      const url = `${frontend}/?saved=1&by=DB1&via=frontend1&at=${encodeURIComponent(at)}`
      const page = await ask(url, { headers: { accept: 'text/html' } })
      expect(page.status).toBe(200)
      expect(page.text).not.toContain('<script>')
    }
  })
})
