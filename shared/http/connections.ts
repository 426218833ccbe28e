/**
 * Which connections of a server are at work, and since when the others are not: what may be cut when the service ends.
 *
 * Node's own `closeIdleConnections()` calls a connection idle as soon as its answer has been handed over, though most of it may not have
 * left the process yet, and says nothing of how long it has been so.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export class Connections {
  readonly #connections = new Map<Socket, Connection>()

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#connections.set(socket, new Connection(socket))
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  /** A request has arrived, `outgoing` is to be its answer. */
  begin({ socket }: IncomingMessage, outgoing: ServerResponse): void {
    this.#connections.get(socket)?.begin(outgoing)
  }

  /** The latest answer on a connection, begun or given. */
  latestAnswer(socket: Socket): ServerResponse | undefined {
    return this.#connections.get(socket)?.latestAnswer
  }

  /** Closes those on which nothing has happened since `sinceMs` of `performance.now()`. */
  closeSilentSince(sinceMs: number): void {
    for (const [socket, connection] of this.#connections) if (connection.isSilentSince(sinceMs)) socket.destroy()
  }
}

class Connection {
  readonly #socket: Socket
  latestAnswer: ServerResponse | undefined
  #atWork = 0
  #idleSinceMs = performance.now()
  #bytesRead = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  begin(outgoing: ServerResponse): void {
    this.#atWork += 1
    this.latestAnswer = outgoing
    // Only then its last byte has been given to the system.
    outgoing.once('close', this.#end)
  }

  /** What has begun to arrive is no silence: its end is awaited as long as any request's. */
  isSilentSince(ms: number): boolean {
    return this.#atWork === 0 && this.#idleSinceMs <= ms && this.#socket.bytesRead === this.#bytesRead
  }

  readonly #end = (): void => {
    this.#atWork -= 1
    this.#idleSinceMs = performance.now()
    this.#bytesRead = this.#socket.bytesRead
  }
}
