/** For tests: a TCP server on a free loopback port that plays a tier as badly as a test wants. */
import { createServer, type AddressInfo, type Socket } from 'node:net'

export interface LoopbackServer {
  readonly port: number
  readonly url: string
  /** Whatever each connection sent, in order of arrival. */
  readonly received: () => string
  readonly connections: () => number
  close(): Promise<void>
}

/** `onData` sees each chunk with everything that its connection sent so far. */
export async function loopbackServer(onData: (socket: Socket, sentSoFar: string) => void): Promise<LoopbackServer> {
  const sockets = new Set<Socket>()
  let received = ''
  let connections = 0
  const server = createServer((socket) => {
    let sentSoFar = ''
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      sentSoFar += chunk.toString('latin1')
      received += chunk.toString('latin1')
      onData(socket, sentSoFar)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received: () => received,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
