/**
 * The order of reads and writes of one run, the same for the same seed: the protocol's mix (section 6.1), which `ab` cannot send.
 *
 * The share is exact over the run: a coin for each request would give each repetition another mix, and writes cost more than reads.
 * Messages and keys are new in each run, whatever the seed: under a key that a database has seen, a write would get its old answer.
 */
import { randomBytes } from 'node:crypto'
import { seededRandom } from '../statistics/seeded-random.ts'

export interface PlannedRequest {
  /** From 0, in the order in which they are begun. */
  readonly index: number
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly requestId: string
  /** `undefined` for a read. */
  readonly write: PlannedWrite | undefined
}

export interface PlannedWrite {
  /** Unique, and recognised when it is found in a database. */
  readonly message: string
  readonly idempotencyKey: string
  readonly body: string
}

export interface PlanOptions {
  readonly requests: number
  readonly writeShare: number
  readonly readPath: string
  readonly seed: number
}

/** An ordinary length for a message that a person types. */
const MESSAGE_CHARACTERS = 64

export class RequestPlan {
  /** Of every request's id, and of nobody else's. */
  readonly requestIdPrefix = `bench-${randomBytes(5).toString('hex')}-`
  readonly requests: number
  readonly #readPath: string
  readonly #random: () => number
  #writesLeft: number
  #begun = 0

  constructor({ requests, writeShare, readPath, seed }: PlanOptions) {
    this.requests = requests
    this.#readPath = readPath
    this.#random = seededRandom(seed)
    this.#writesLeft = Math.round(requests * writeShare)
  }

  get begun(): number {
    return this.#begun
  }

  get isOver(): boolean {
    return this.#begun >= this.requests
  }

  /** `undefined` when all have been given out. */
  next(): PlannedRequest | undefined {
    if (this.isOver) return undefined
    const left = this.requests - this.#begun
    const isWrite = this.#random() * left < this.#writesLeft
    if (isWrite) this.#writesLeft--
    const index = this.#begun++
    const requestId = `${this.requestIdPrefix}${index}`
    if (!isWrite) return { index, method: 'GET', path: this.#readPath, requestId, write: undefined }
    const message = `${requestId} `.padEnd(MESSAGE_CHARACTERS, 'abcdefghij')
    return {
      index,
      method: 'POST',
      path: '/api/data',
      requestId,
      write: { message, idempotencyKey: requestId, body: JSON.stringify({ message }) },
    }
  }
}

/** What a request carries, the same in both generators. */
export function headersOf({ requestId, write }: PlannedRequest): Record<string, string> {
  const headers = { accept: 'application/json', 'x-request-id': requestId }
  return write ? { ...headers, 'content-type': 'application/json', 'idempotency-key': write.idempotencyKey } : headers
}

/** What opens a connection: asked of the entry alone, under no request id of a run, so nobody counts it. */
export function openingBytes(host: string): Buffer {
  return Buffer.from(`GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: keep-alive\r\n\r\n`, 'latin1')
}

/** The request as it goes over the wire, of one line of text for each header. */
export function bytesOf(request: PlannedRequest, host: string): Buffer {
  const { method, path, write } = request
  let head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: keep-alive\r\n`
  for (const [name, value] of Object.entries(headersOf(request))) head += `${name}: ${value}\r\n`
  return write
    ? Buffer.from(`${head}content-length: ${Buffer.byteLength(write.body)}\r\n\r\n${write.body}`)
    : Buffer.from(`${head}\r\n`, 'latin1')
}
