/**
 * One HTTP request and its whole answer, with a deadline. It adds nothing that it was not told, follows no redirect, and takes any
 * status for an answer.
 */
import { once } from 'node:events'
import { request, type Agent, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'

export interface Question {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  /** An object is sent as JSON; bytes and text as they are. */
  readonly body?: string | Uint8Array | object | undefined
  /** Without one, each request has a connection of its own. */
  readonly agent?: Agent
  readonly deadlineMs?: number
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON; `undefined` when it is none. */
  readonly json: any
  /** `X-Served-By`, outermost first: `['frontend2', 'backend1', 'db3']`. */
  readonly way: readonly string[]
  /** Of a problem document's type: "not-found". */
  readonly problem: string | undefined
}

const DEADLINE_MS = 15_000

/** Rejects when there is no complete answer. */
export async function ask(url: string, { method, headers = {}, body, agent, deadlineMs = DEADLINE_MS }: Question = {}): Promise<Answer> {
  const isJson = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)
  const bytes = isJson ? JSON.stringify(body) : body
  const outgoing = request(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    // Node's client sends the body of a DELETE without its length otherwise.
    headers: {
      ...(bytes !== undefined && { 'content-length': Buffer.byteLength(bytes) }),
      ...(isJson && { 'content-type': 'application/json' }),
      ...headers,
    },
    agent: agent ?? false,
    signal: AbortSignal.timeout(deadlineMs),
  })
  outgoing.end(bytes)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  incoming.setEncoding('utf8')
  for await (const chunk of incoming) text += chunk as string
  return toAnswer(incoming.statusCode!, incoming.headers, text)
}

export function toAnswer(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  const json = parse(text)
  const isProblem = headers['content-type'] === 'application/problem+json'
  const problem = isProblem ? String(json?.type).replace(/^urn:relais:problem:/, '') : undefined
  const way = String(headers['x-served-by'] ?? '')
    .split(/,\s*/)
    .filter(Boolean)
  return { status, headers, text, json, way, problem }
}

function parse(text: string): any {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
