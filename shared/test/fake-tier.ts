/** For tests: the next tier as a real server whose answers a test decides, and that remembers what it was asked. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface FakeAnswer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

export interface FakeTier {
  readonly url: string
  readonly asked: Asked[]
  /** What the next requests get; `'cut'` ends the connection instead. */
  answer: FakeAnswer | 'cut'
  close(): Promise<void>
}

export async function fakeTier(answer: FakeAnswer): Promise<FakeTier> {
  const server = createServer((incoming, outgoing) => void take(incoming, outgoing))
  const take = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    tier.asked.push({ method: incoming.method!, url: incoming.url!, headers: incoming.headers, body: await text(incoming) })
    if (tier.answer === 'cut') incoming.socket.destroy()
    else outgoing.writeHead(tier.answer.status, tier.answer.headers).end(tier.answer.body)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const tier: FakeTier = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return tier
}
