/**
 * One request passed on to the next tier, and its answer passed back: the same bytes, the headers that travel, the way
 * it took. Errors of the next tier, problem documents included, go through untouched.
 */
import { isAscii } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { Exchange } from './exchange.ts'
import { ANSWER_HEADERS_PASSED_ON, REQUEST_HEADERS_PASSED_ON, REQUEST_ID } from './headers.ts'
import { headerOf, type ServiceContext } from './service.ts'
import type { TierAnswer, TierClient } from './tier-client.ts'

export interface PassedOn {
  readonly body?: string | Uint8Array | undefined
  readonly headers?: Record<string, string>
  /** Defaults to the request's own method and path. */
  readonly method?: string
  readonly path?: string
}

/** Asks the next tier on behalf of this request. Rejects with a `Problem` when it did not answer. */
export async function askNextTier(
  c: ServiceContext,
  tier: TierClient,
  { body, headers = {}, method, path }: PassedOn = {},
): Promise<TierAnswer> {
  const sent = headersOf(c, REQUEST_HEADERS_PASSED_ON)
  sent[REQUEST_ID] = c.env.exchange.requestId
  Object.assign(sent, headers)
  const answer = await tier.call({
    method: method ?? c.req.method,
    path: path ?? pathAndQuery(c.req.url),
    headers: sent,
    body,
    client: c.env.client,
  })
  c.env.exchange.passedThrough(answer.headers)
  return answer
}

/** Those of the request's headers of these names that are there. */
export function headersOf(c: ServiceContext, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of names) {
    const value = headerOf(c, name)
    if (value !== undefined) found[name] = value
  }
  return found
}

/** The next tier's answer as ours. */
export function passBack(exchange: Exchange, answer: TierAnswer, extra: Record<string, string> = {}): Response {
  return exchange.answer(answer.status, cheapestBody(answer.body), { ...extra, ...headersPassedBack(answer.headers) })
}

/**
 * Node writes a string in one system call with the headers and a buffer in a gathering one, which costs more than all
 * of this tier's own work; so a short body that is the same bytes as a string is sent as one.
 */
function cheapestBody(body: Buffer<ArrayBuffer>): string | Buffer<ArrayBuffer> | null {
  if (body.length === 0) return null
  return body.length <= SHORT_BYTES_MAX && isAscii(body) ? body.toString('latin1') : body
}

const SHORT_BYTES_MAX = 16 * 1024

/** Those of the next tier's headers that travel. */
export function headersPassedBack(headers: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of ANSWER_HEADERS_PASSED_ON) {
    const value = headers[name]
    if (typeof value === 'string') passed[name] = value
  }
  return passed
}

function pathAndQuery(url: string): string {
  return url.slice(url.indexOf('/', 8))
}
