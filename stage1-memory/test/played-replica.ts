/**
 * For tests: msw plays a replica. What it does with each call is the test's word; what it was sent is checked and kept,
 * and whether the signature was genuine.
 */
import { HttpRequestInterceptor } from '@mswjs/interceptors/http'
import { http, HttpResponse, type JsonBodyType } from 'msw'
import { defineNetwork, InterceptorSource, type NetworkApi } from 'msw/experimental'
import { messageSchema, REPLICATE_PATH, type Message } from '../replication/messages.ts'
import { SIGNATURE, Signer } from '../replication/signature.ts'

export const SECRET = '5e'.repeat(32)

export type PlayedNetwork = NetworkApi<[InterceptorSource]>

/** All that leaves by a socket: msw's `setupServer` sees `fetch` and `node:http` only, and nodes call each other by neither. */
export function playNetwork(): PlayedNetwork {
  const sockets = new InterceptorSource({ interceptors: [new HttpRequestInterceptor()] })
  return defineNetwork({ sources: [sockets], onUnhandledFrame: 'error', context: { quiet: true } })
}

/** `hang` never answers; `apply and hang` does what it was asked and never says so. */
export type Play = 'refuse' | 'hang' | 'cut' | { status: number; body: JsonBodyType }

interface Attempt {
  readonly message: Message
  readonly isGenuine: boolean
  readonly atMs: number
}

export interface PlayedReplica {
  readonly name: string
  readonly url: string
  readonly attempts: Attempt[]
  /** Decides about attempt `n` (1-based). */
  play: (n: number, message: Message) => Play
  /** How long each answer takes. */
  answersAfterMs: number
}

export function playReplica(network: PlayedNetwork, name: string, play: PlayedReplica['play']): PlayedReplica {
  const replica: PlayedReplica = { name, url: `http://${name}.test:18000`, attempts: [], play, answersAfterMs: 0 }
  const signer = new Signer(SECRET)
  network.use(
    http.post(replica.url + REPLICATE_PATH, async ({ request }) => {
      const body = await request.text()
      const isGenuine = signer.isGenuine(request.headers.get(SIGNATURE) ?? undefined, { method: 'POST', path: REPLICATE_PATH, body })
      const message = messageSchema.parse(JSON.parse(body))
      replica.attempts.push({ message, isGenuine, atMs: Date.now() })
      const answer = replica.play(replica.attempts.length, message)
      if (answer === 'hang') return new Promise<never>(() => {})
      if (replica.answersAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, replica.answersAfterMs))
      if (answer === 'refuse' || answer === 'cut') return HttpResponse.error()
      return signedAnswer(request, answer.status, answer.body)
    }),
  )
  return replica
}

/** As a node of the cluster answers. */
export function signedAnswer(request: Request, status: number, value: JsonBodyType): HttpResponse<string> {
  const body = JSON.stringify(value)
  const signature = new Signer(SECRET).signAnswer(request.headers.get(SIGNATURE) ?? '', { status, body })
  return new HttpResponse(body, { status, headers: { 'content-type': 'application/json', [SIGNATURE]: signature } })
}

export function tookIt(epoch: number, lsn: number): Play {
  return { status: 200, body: { position: { epoch, lsn } } }
}

export function problem(status: number, members: Record<string, JsonBodyType> = {}): Play {
  return { status, body: { type: 'urn:relais:problem:x', status, ...members } }
}
