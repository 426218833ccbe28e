/**
 * Clients that read and write all the time while a test breaks something, and the history of what they were told.
 *
 * Closed loop: each client has one request in flight and a connection of its own. Every write carries its own message and key, so that
 * afterwards each one can be looked for and, where its outcome is unknown, be repeated.
 */
import { Agent, type OutgoingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Answer } from './ask.ts'
import type { Random } from './seeded-random.ts'

export interface Operation {
  /** Counted as they are sent, from 0. */
  readonly number: number
  readonly kind: 'read' | 'write'
  readonly requestId: string
  /** Of a write; also its idempotency key. */
  readonly message: string
  /** `undefined` when there was none. */
  readonly answer: Answer | undefined
  /** From its sending to its end. */
  readonly tookMs: number
}

export interface LoadOptions {
  readonly random: Random
  readonly clients?: number
  /** Of all operations. */
  readonly writeShare?: number
  /** Begins each request id, so that one test's lines are found in the logs. */
  readonly name: string
  /** Sent with each read, for example `X-Read-From`. */
  readonly readHeaders?: OutgoingHttpHeaders
}

export const CLIENTS = 20
const OPERATIONS_MAX = 100_000
/** A client that was turned away does not come back at once: a refusal is quick, and the refused would crowd out who starts again. */
const AFTER_FAILURE_MS = 100

export class Load {
  readonly operations: Operation[] = []
  readonly #url: string
  readonly #options: LoadOptions
  readonly #clients: Promise<void>[]
  readonly #waiters = new Set<{ readonly end: number; readonly resolve: () => void }>()
  #isOver = false
  #sent = 0

  /** Begins at once. */
  constructor(url: string, options: LoadOptions) {
    this.#url = url
    this.#options = options
    this.#clients = Array.from({ length: options.clients ?? CLIENTS }, () => this.#run())
  }

  get reads(): Operation[] {
    return this.operations.filter(({ kind }) => kind === 'read')
  }
  get writes(): Operation[] {
    return this.operations.filter(({ kind }) => kind === 'write')
  }
  get failedReads(): Operation[] {
    return this.reads.filter(({ answer }) => answer?.status !== 200)
  }
  get failedWrites(): Operation[] {
    return this.writes.filter(({ answer }) => answer?.status !== 201)
  }

  /** How many have been sent; as `sentSince`'s argument: now. */
  get sent(): number {
    return this.#sent
  }

  /** Those that have ended and were sent after it had been so many. What ends later may have been sent long before. */
  sentSince(sent: number): Operation[] {
    return this.operations.filter(({ number }) => number >= sent)
  }

  /** Resolves when this many more operations have ended than had when it was called. */
  goOn(count: number): Promise<void> {
    return new Promise((resolve) => this.#waiters.add({ end: this.operations.length + count, resolve }))
  }

  /** Resolves when the last answer is there. */
  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }

  async #run(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const { random, writeShare = 0.4, readHeaders } = this.#options
    while (!this.#isOver && this.#sent < OPERATIONS_MAX) {
      const kind = random.next() < writeShare ? 'write' : 'read'
      const number = this.#sent++
      const requestId = `${this.#options.name}-${number}`
      const message = kind === 'write' ? requestId : ''
      const sentAtMs = performance.now()
      const answer = await (kind === 'write' ? writeOnce(this.#url, message, agent) : readOnce(this.#url, requestId, agent, readHeaders))
      this.#ended({ number, kind, requestId, message, answer, tookMs: performance.now() - sentAtMs })
      if (answer === undefined || answer.status >= 500) await sleep(AFTER_FAILURE_MS)
    }
    agent.destroy()
  }

  #ended(operation: Operation): void {
    this.operations.push(operation)
    for (const waiter of this.#waiters) {
      if (this.operations.length < waiter.end) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }
}

/** A few of them, each in a few words, for what a failed test prints. */
export function inShort(operations: readonly Operation[]): string[] {
  return operations
    .slice(0, 10)
    .map(({ requestId, answer }) => `${requestId}: ${answer ? `${answer.status} ${answer.text.slice(0, 120)}` : 'no answer'}`)
}

function readOnce(url: string, requestId: string, agent: Agent, headers: OutgoingHttpHeaders = {}): Promise<Answer | undefined> {
  return ask(`${url}/api/data?limit=5`, { agent, headers: { 'x-request-id': requestId, ...headers } }).catch(() => undefined)
}

/** These writes under their own keys, as many at a time as there were clients; in the same order. */
export async function writeAll(url: string, messages: readonly string[]): Promise<(Answer | undefined)[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  try {
    return await Promise.all(messages.map((message) => writeOnce(url, message, agent)))
  } finally {
    agent.destroy()
  }
}

/** One write under its own key; also for its repetition. */
export function writeOnce(url: string, message: string, agent?: Agent): Promise<Answer | undefined> {
  const headers = { 'x-request-id': message, 'idempotency-key': message }
  return ask(`${url}/api/data`, { body: { message }, headers, ...(agent && { agent }) }).catch(() => undefined)
}
