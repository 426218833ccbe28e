/**
 * A route for nodes of this cluster only: whoever calls is checked before a byte of the body is read, and the answer is signed, refusals
 * included: what answers at a dead node's port confirms nothing.
 *
 *   signature ─▶ genuine? ─▶ [body ─▶ the one it was made for?] ─▶ work ─▶ signed answer
 */
import type { Handler } from 'hono'
import { Problem } from '@relais/shared/http/problem.ts'
import { readBody } from '@relais/shared/http/read-body.ts'
import type { ServiceContext, ServiceEnv } from '@relais/shared/http/service.ts'
import { REPLICATE_BYTES_MAX } from './messages.ts'
import { digestOf, SIGNATURE, type Signer } from './signature.ts'

/** Resolves to what becomes the JSON of a 200. `readSigned` reads the body, and rejects one that was not signed. */
type Work = (c: ServiceContext, readSigned: () => Promise<Uint8Array>) => unknown

export function nodeRoute(signer: Signer, work: Work): Handler<ServiceEnv> {
  return async (c) => {
    const { exchange } = c.env
    const signature = c.req.header(SIGNATURE)
    const { pathname, search } = new URL(c.req.url)
    const digest = signer.signedDigest(signature, { method: c.req.method, path: pathname + search })
    if (signature === undefined || digest === undefined) throw unsigned()
    const readSigned = async (): Promise<Uint8Array> => {
      const body = await readBody(c, REPLICATE_BYTES_MAX)
      if (digestOf(body) !== digest) throw unsigned()
      return body
    }
    try {
      const text = JSON.stringify(await work(c, readSigned))
      return exchange.answer(200, text, {
        'content-type': 'application/json',
        [SIGNATURE]: signer.signAnswer(signature, { status: 200, body: text }),
      })
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const text = JSON.stringify(error.toDocument(exchange.requestId))
      return exchange.problem(error, { [SIGNATURE]: signer.signAnswer(signature, { status: error.status, body: text }) })
    }
  }
}

function unsigned(): Problem {
  return new Problem('unauthorized', {
    detail: 'node-to-node calls need a fresh signature of this cluster',
    // A 401 names the way to be let in (RFC 9110, section 15.5.2): signature.ts.
    headers: { 'www-authenticate': 'Relais-HMAC' },
  })
}
