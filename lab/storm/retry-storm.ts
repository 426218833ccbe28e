/**
 * A retry storm, really run: tiers of small HTTP services, each calling the next, above a bottom that answers 503: always, or to a share drawn by lot.
 *
 *   client ─▶ tier 1 ─▶ tier 2 ─▶ tier 3 ─▶ bottom: counts what arrives
 *
 * Each tier retries by the product's own code (shared/resilience/retry.ts): backoff, full jitter, a limit of attempts. That bounds what one
 * tier does, and still the tiers multiply: 3 attempts at each of 3 tiers are 27 at the bottom. The cure is not a better backoff but
 * one place that retries, next to the failure.
 */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { retry } from '@relais/shared/resilience/retry.ts'

export interface StormOptions {
  readonly requests: number
  /** At each tier that retries, the first included. */
  readonly attemptsMax: number
  /** From the edge to the tier above the bottom: does it retry? */
  readonly tiersRetry: readonly boolean[]
  /** Of the calls that reach the bottom, 0 to 1; all of them if left out. */
  readonly failingShare?: number
  /** For tests: what the bottom draws its failures by. */
  readonly random?: () => number
}

export interface Storm {
  /** Arrivals at each tier from the edge on; the last is the bottom. */
  readonly arrivals: readonly number[]
  /** Answers that the client got, by status. */
  readonly statuses: Readonly<Record<number, number>>
}

const BACKOFF = { baseMs: 5, capMs: 40 }
const HOST = '127.0.0.1'
/** Ample: a call that is given up while the tiers below still retry would make the count depend on how busy the machine is. */
const CALL_MS_MAX = 60_000
const CONNECTIONS = 100

class Tier {
  arrivals = 0
  readonly #server: Server
  readonly #next: Pool | undefined

  private constructor(nextUrl: string | undefined, attemptsMax: number, fails: () => boolean) {
    const next = nextUrl === undefined ? undefined : new Pool(nextUrl, { connections: CONNECTIONS })
    this.#next = next
    this.#server = createServer((_, response) => {
      this.arrivals++
      if (!next) return void response.writeHead(fails() ? 503 : 200).end()
      void statusOf(next, attemptsMax).then((status) => response.writeHead(status).end())
    })
  }

  /** Without a next tier it is the bottom, and `fails` says whether this call does. */
  static async start(nextUrl: string | undefined, attemptsMax: number, fails = (): boolean => true): Promise<Tier> {
    const tier = new Tier(nextUrl, attemptsMax, fails)
    tier.#server.listen(0, HOST)
    await once(tier.#server, 'listening')
    return tier
  }

  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    await this.#next?.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** Runs one storm; resolves when the client has all its answers and everything is stopped. */
export async function runStorm({
  requests,
  attemptsMax,
  tiersRetry,
  failingShare = 1,
  random = Math.random,
}: StormOptions): Promise<Storm> {
  const tiers = [await Tier.start(undefined, 1, () => random() < failingShare)]
  for (const doesRetry of tiersRetry.toReversed()) tiers.unshift(await Tier.start(tiers[0]!.url, doesRetry ? attemptsMax : 1))
  const client = new Pool(tiers[0]!.url, { connections: CONNECTIONS })
  try {
    const statuses: Record<number, number> = {}
    const answers = await Promise.all(Array.from({ length: requests }, () => statusOf(client, 1)))
    for (const status of answers) statuses[status] = (statuses[status] ?? 0) + 1
    return { arrivals: tiers.map(({ arrivals }) => arrivals), statuses }
  } finally {
    await client.destroy()
    await Promise.all(tiers.map((tier) => tier.stop()))
  }
}

/** The status of the last attempt; 502 when there was no answer. */
async function statusOf(next: Pool, attemptsMax: number): Promise<number> {
  let last = 502
  const ask = async (): Promise<number> => {
    const { statusCode, body } = await next.request({ method: 'GET', path: '/', signal: AbortSignal.timeout(CALL_MS_MAX) })
    await body.dump()
    last = statusCode
    if (statusCode >= 500) throw new Error(`the next tier answered ${statusCode}`)
    return statusCode
  }
  return retry(ask, { backoff: BACKOFF, attemptsMax }).catch(() => last)
}
