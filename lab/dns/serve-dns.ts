/** A DNS server on loopback, over UDP: what it cannot read it drops, what it is asked it answers from `RoundRobinNames`. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode } from 'dns-packet'
import type { RoundRobinNames } from './round-robin-names.ts'

export interface DnsServer {
  readonly port: number
  close(): void
}

/** `port` 0 for a free one. Rejects when the port is taken. */
export async function serveDns(host: string, port: number, names: RoundRobinNames): Promise<DnsServer> {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    try {
      const question = decode(message)
      if (question.type === 'query') socket.send(encode(names.answer(question)), from.port, from.address)
    } catch {
      // Whoever sends no DNS gets no answer: an error answer to a forged address would be an attack on that address.
    }
  })
  socket.bind(port, host)
  await once(socket, 'listening')
  return { port: socket.address().port, close: () => socket.close() }
}
