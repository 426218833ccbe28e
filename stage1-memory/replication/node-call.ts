/**
 * One signed call from node to node, with a deadline; the only place where stage 1's nodes talk to each other.
 *
 * Through the global `fetch`: it is slower than the pool that the tiers use, but a call here carries many records, and
 * the tests can play a replica that refuses, hangs, or answers after it applied.
 */
import type { Peer } from '@relais/shared/http/settings.ts'
import { SIGNATURE, type Signer } from './signature.ts'

export interface NodeAnswer {
  readonly status: number
  readonly body: unknown
}

/** The node gave no answer that can be used: refused, cut, timed out, not of this cluster, or not JSON. */
export class NodeCallError extends Error {
  override readonly name = 'NodeCallError'
}

export type NodeCallBody = string | Uint8Array<ArrayBuffer>

export interface NodeCall {
  readonly method: 'GET' | 'POST'
  /** With its query. */
  readonly path: string
  readonly body?: NodeCallBody
  readonly deadlineMs: number
}

/** Resolves to any answer, refusals included; rejects with `NodeCallError`. */
export async function callNode(peer: Peer, signer: Signer, { method, path, body, deadlineMs }: NodeCall): Promise<NodeAnswer> {
  const controller = new AbortController()
  // Not AbortSignal.timeout(): tests run this in virtual time, which reaches setTimeout only.
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs)
  try {
    const signature = signer.sign({ method, path, body: body ?? '' })
    const headers = { [SIGNATURE]: signature, 'content-type': 'application/json' }
    const response = await fetch(peer.url + path, { method, headers, signal: controller.signal, ...(body !== undefined && { body }) })
    const { status } = response
    const text = await response.text()
    if (!signer.isGenuineAnswer(response.headers.get(SIGNATURE), signature, { status, body: text }))
      throw new Error(`answered ${status} without a signature of this cluster`)
    return { status, body: JSON.parse(text) as unknown }
  } catch (error) {
    const reason = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : String(error)
    throw new NodeCallError(`${method} ${path} on ${peer.name}: ${reason}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
