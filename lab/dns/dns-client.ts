/**
 * A client that balances by DNS: asks for the name, takes the first address, keeps the answer as long as it may.
 *
 * This is what programs do. That the address of a dead instance is as good an answer as any, and stays one until the time to live is over, is
 * what there is to see.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode } from 'dns-packet'
import { failed } from '../failure.ts'

const ANSWER_MS_MAX = 2_000

export interface ServiceAddress {
  /** "frontend2.relais.test" */
  readonly target: string
  readonly port: number
}

interface KeptAnswer {
  readonly addresses: readonly ServiceAddress[]
  readonly untilMs: number
}

export class DnsClient {
  readonly #server: { readonly host: string; readonly port: number }
  readonly #nowMs: () => number
  readonly #kept = new Map<string, KeptAnswer>()
  #id = 0

  constructor(server: { readonly host: string; readonly port: number }, nowMs: () => number = Date.now) {
    this.#server = server
    this.#nowMs = nowMs
  }

  /** The first address of the answer, and whether the server was asked for it. Rejects when there is none. */
  async pick(name: string): Promise<{ readonly address: ServiceAddress; readonly wasAsked: boolean }> {
    const kept = this.#kept.get(name)
    const isFresh = kept !== undefined && kept.untilMs > this.#nowMs()
    const { addresses } = isFresh ? kept : await this.#ask(name)
    const [address] = addresses
    if (!address) throw failed(`Failed to look up ${name}: the server knows no service of that name.`)
    return { address, wasAsked: !isFresh }
  }

  async #ask(name: string): Promise<KeptAnswer> {
    const id = (this.#id = (this.#id + 1) % 0x10000)
    const records = ((await this.#exchange(id, name)).answers ?? []).filter((answer) => answer.type === 'SRV')
    const addresses = records.map(({ data: { target, port } }) => ({ target, port }))
    const kept = { addresses, untilMs: this.#nowMs() + 1000 * Math.min(...records.map(({ ttl }) => ttl ?? 0)) }
    this.#kept.set(name, kept)
    return kept
  }

  async #exchange(id: number, name: string): Promise<ReturnType<typeof decode>> {
    const socket = createSocket('udp4')
    try {
      socket.connect(this.#server.port, this.#server.host)
      const signal = AbortSignal.timeout(ANSWER_MS_MAX)
      await once(socket, 'connect', { signal })
      socket.send(encode({ type: 'query', id, flags: 0x0100, questions: [{ type: 'SRV', name }] }))
      const [message] = (await once(socket, 'message', { signal })) as [Buffer]
      const answer = decode(message)
      if (answer.id !== id) throw new Error(`an answer to another question (${answer.id})`)
      return answer
    } catch (error) {
      throw failed(
        `Failed to look up ${name} at ${this.#server.host}:${this.#server.port}: ${error instanceof Error ? error.message : String(error)}.`,
      )
    } finally {
      socket.close()
    }
  }
}
