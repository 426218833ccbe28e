/**
 * What the load balancers logged of one run: its lines are those whose request id is the run's.
 *
 * Nginx writes its lines a second late at most (nginx/snippets/access-log.conf), so they are waited for. Not by time: a warm-up, a status
 * query or a user's click in the same second would be counted as load.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { sizeOf } from '../../runtime/log-files.ts'

export interface LoggedRequest {
  readonly requestId: string
  readonly isRead: boolean
  readonly status: number
  /** In order; empty when the balancer answered itself. */
  readonly tries: readonly LoggedTry[]
}

interface LoggedTry {
  /** `host:port`. */
  readonly address: string
  /** `undefined` when the upstream gave none. */
  readonly status: number | undefined
}

const FLUSH_MS_MAX = 2_000
/** More than Nginx holds its lines back (1 s). */
const LATE_MS_MAX = 1_500
const LOOK_EVERY_MS = 50
const KINDS = ['read', 'write'] as const

export class AccessLogs {
  readonly #balancers: readonly string[]
  readonly #files: readonly { readonly balancer: string; readonly isRead: boolean; readonly file: string; offset: number }[]
  readonly #lines = new Map<string, LoggedRequest[]>()

  /** Follows from now on. */
  constructor(balancers: readonly string[], directoryOf: (balancer: string) => string) {
    this.#balancers = balancers
    this.#files = balancers.flatMap((balancer) =>
      KINDS.map((kind) => {
        const file = path.join(directoryOf(balancer), `access-${kind}.json`)
        return { balancer, isRead: kind === 'read', file, offset: sizeOf(file) }
      }),
    )
  }

  /** By balancer. Waits until each has logged `expected` requests of the run, or had the time to. */
  async linesOf(requestIdPrefix: string, expected: number): Promise<ReadonlyMap<string, readonly LoggedRequest[]>> {
    let giveUpAtMs = performance.now() + FLUSH_MS_MAX
    let missing = expected
    for (const balancer of this.#balancers) this.#lines.set(balancer, [])
    for (;;) {
      // The clock first: what is read after the time is over has had the time.
      const isOver = performance.now() > giveUpAtMs
      this.#readOn(requestIdPrefix)
      if (isOver) return this.#lines
      if (this.#balancers.every((balancer) => this.#lines.get(balancer)!.length >= missing)) {
        if (![...this.#lines.values()].flat().some(({ tries }) => tries.length > 1)) return this.#lines
        // Where something was tried twice there are more lines than answers, and the last of them may not be written yet.
        missing = Number.POSITIVE_INFINITY
        giveUpAtMs = Math.min(giveUpAtMs, performance.now() + LATE_MS_MAX)
      }
      await sleep(LOOK_EVERY_MS)
    }
  }

  #readOn(requestIdPrefix: string): void {
    for (const place of this.#files) {
      const text = readFrom(place.file, place.offset)
      const whole = text.subarray(0, text.lastIndexOf('\n') + 1)
      place.offset += whole.length
      for (const line of whole.toString().split('\n')) {
        // Most lines are the run's; the others are not worth parsing.
        if (!line.includes(requestIdPrefix)) continue
        const logged = parseLine(line, place.isRead)
        if (logged?.requestId.startsWith(requestIdPrefix)) this.#lines.get(place.balancer)!.push(logged)
      }
    }
  }
}

const lineShape = z.object({ requestId: z.string(), status: z.int(), upstreamAddress: z.string(), upstreamStatus: z.string() })

/** `undefined` for a line that is not one of ours. */
export function parseLine(line: string, isRead: boolean): LoggedRequest | undefined {
  const parsed = lineShape.safeParse(parseJson(line))
  if (!parsed.success) return undefined
  const { requestId, status, upstreamAddress, upstreamStatus } = parsed.data
  return { requestId, isRead, status, tries: parseTries(upstreamAddress, upstreamStatus) }
}

/** "A, B" is a second try, "A : B" one after an internal redirect; a group without a living server logs its own name. */
function parseTries(addresses: string, statuses: string): LoggedTry[] {
  const each = statuses.split(/, | : /)
  return addresses
    .split(/, | : /)
    .map((address, index) => ({ address, status: /^\d{3}$/.test(each[index] ?? '') ? Number(each[index]) : undefined }))
    .filter(({ address }) => address.includes(':'))
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

/** A file that became shorter was emptied meanwhile: nothing is read, and the counts show what is missing. */
function readFrom(file: string, offset: number): Buffer {
  const bytes = sizeOf(file) - offset
  if (bytes <= 0) return Buffer.alloc(0)
  const buffer = Buffer.alloc(bytes)
  const descriptor = openSync(file, 'r')
  try {
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, offset))
  } finally {
    closeSync(descriptor)
  }
}
