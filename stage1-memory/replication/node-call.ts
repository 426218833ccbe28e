/**
 * One signed call from node to node, with a deadline; the only place where stage 1's nodes talk to each other.
 *
 * Through undici's dispatch protocol, as between the tiers (tier-client.ts). `fetch` copies a body for the streams that it makes of it:
 * a primary that ships its log had to collect its whole heap every few seconds for that, and a call took several times the processor.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import type { Peer } from '@relais/shared/http/settings.ts'
import { REPLICATE_BYTES_MAX } from './messages.ts'
import { SIGNATURE, type Signer } from './signature.ts'

export interface NodeAnswer {
  readonly status: number
  readonly body: unknown
}

/** The node gave no answer that can be used: refused, cut, timed out, not of this cluster, or not JSON. */
export class NodeCallError extends Error {
  override readonly name = 'NodeCallError'
}

export interface NodeCall {
  readonly method: 'GET' | 'POST'
  /** With its query. */
  readonly path: string
  /** Bytes must stay as they are until the call has ended. */
  readonly body?: string | Uint8Array
  readonly deadlineMs: number
}

const CONNECT_TIMEOUT_MS = 2_000
/** The deadline of a call covers all of it; undici's own timers would only add coarser ones. Idle connections keep no process alive. */
const connections = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, headersTimeout: 0, bodyTimeout: 0 })

/** Resolves to any answer, refusals included; rejects with `NodeCallError`. */
export async function callNode(peer: Peer, signer: Signer, { method, path, body = '', deadlineMs }: NodeCall): Promise<NodeAnswer> {
  try {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const signature = signer.sign({ method, path, body: bytes })
    const headers = { [SIGNATURE]: signature, 'content-type': 'application/json' }
    const { status, headers: found, text } = await send({ origin: peer.url, method, path, headers, body: bytes }, deadlineMs)
    if (!signer.isGenuineAnswer(found[SIGNATURE], signature, { status, body: text }))
      throw new Error(`answered ${status} without a signature of this cluster`)
    return { status, body: JSON.parse(text) as unknown }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new NodeCallError(`${method} ${path} on ${peer.name}: ${reason}`, { cause: error })
  }
}

interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function send(request: Dispatcher.DispatchOptions, deadlineMs: number): Promise<Received> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let status = 0
    let headers: IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    let bytes = 0
    const late = new Error(`no answer within ${deadlineMs} ms`)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(late)
      controller?.abort(late)
    }, deadlineMs)
    connections.dispatch(request, {
      // It may have waited for its connection until now; what is thrown here is not sent.
      onRequestStart(given) {
        if (isLate) throw late
        controller = given
      },
      onResponseStart(_, foundStatus, foundHeaders) {
        status = foundStatus
        headers = foundHeaders
      },
      onResponseData(given, chunk) {
        bytes += chunk.length
        chunks.push(chunk)
        // Whoever answers at a dead node's port may answer without end.
        if (bytes > REPLICATE_BYTES_MAX) given.abort(new Error(`the answer is larger than ${REPLICATE_BYTES_MAX} bytes`))
      },
      onResponseEnd() {
        clearTimeout(timer)
        resolve({ status, headers, text: Buffer.concat(chunks).toString() })
      },
      onResponseError(_, error) {
        clearTimeout(timer)
        reject(error)
      },
    })
  })
}
