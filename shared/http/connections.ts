/**
 * Which connections of a server are at work, since when the others are not, and who waits on behalf of a client: what may be cut when
 * the service ends, and what is given up when the client goes.
 *
 * Node's own `closeIdleConnections()` calls a connection idle as soon as its answer has been handed over, though most of it may not have
 * left the process yet, and says nothing of how long it has been so.
 *
 * What is done here for each request is paid by each: one listener, and no timer.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

/** Works for a client, and wants to know when it has gone. */
export interface ClientWaiter {
  clientGone(): void
}

/** Who asked, as seen by whoever works for it. */
export interface Client {
  /** They work for it now. */
  readonly waiters: Set<ClientWaiter>
  /** Nobody who begins to wait after that is told. */
  readonly isGone: boolean
  /** Of its latest request that the service works on, or has worked on. */
  exchange?: Exchange
}

export class Connections {
  readonly #connections = new Map<Socket, Connection>()

  constructor(server: Server) {
    server.on('connection', (socket) => {
      const connection = new Connection(socket)
      this.#connections.set(socket, connection)
      socket.once('close', () => {
        this.#connections.delete(socket)
        connection.gone()
      })
    })
  }

  /** A request has arrived, `outgoing` is to be its answer. */
  begin({ socket }: IncomingMessage, outgoing: ServerResponse): void {
    this.of(socket)?.begin(outgoing)
  }

  of(socket: Socket): Connection | undefined {
    return this.#connections.get(socket)
  }

  /** Closes those on which nothing has happened since `sinceMs` of `performance.now()`. */
  closeSilentSince(sinceMs: number): void {
    for (const [socket, connection] of this.#connections) if (connection.isSilentSince(sinceMs)) socket.destroy()
  }

  /** Those that have an answer to take are cut when they take nothing of it for `patienceMs`, from the first call that meets it. */
  cutUntaken(patienceMs: number): void {
    for (const connection of this.#connections.values()) connection.cutUntaken(patienceMs)
  }
}

export class Connection implements Client {
  readonly waiters = new Set<ClientWaiter>()
  isGone = false
  exchange?: Exchange
  readonly #socket: Socket
  #latestAnswer: ServerResponse | undefined
  #answerBefore: ServerResponse | undefined
  #watchedAnswer: ServerResponse | undefined
  #atWork = 0
  #idleSinceMs = performance.now()
  #bytesRead = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** To the last request that has come whole, if it is still to be given; answers to earlier ones are given before it. */
  get owedAnswer(): ServerResponse | undefined {
    // A request that is not whole is the last one: at most one stands behind those that are.
    const answer = this.#latestAnswer?.req.complete ? this.#latestAnswer : this.#answerBefore
    return answer?.writableFinished ? undefined : answer
  }

  /** To the request that has not come whole, which is the last one. */
  get brokenAnswer(): ServerResponse | undefined {
    return this.#latestAnswer?.req.complete === false ? this.#latestAnswer : undefined
  }

  begin(outgoing: ServerResponse): void {
    this.#atWork += 1
    this.#answerBefore = this.#latestAnswer
    this.#latestAnswer = outgoing
    // Only then its last byte has been given to the system.
    outgoing.on('close', this.#end)
  }

  /** What has begun to arrive is no silence: its end is awaited as long as any request's. */
  isSilentSince(ms: number): boolean {
    return this.#atWork === 0 && this.#idleSinceMs <= ms && this.#socket.bytesRead === this.#bytesRead
  }

  /**
   * Node's timer of a socket looks at what the system has taken of an answer, and not only at whole writes; but `server.timeout` would
   * set it for each request. It is set for the few answers that are still there when somebody looks.
   */
  cutUntaken(patienceMs: number): void {
    const answer = this.#latestAnswer
    if (!answer?.headersSent || answer.closed || answer === this.#watchedAnswer) return
    this.#watchedAnswer = answer
    this.#socket.setTimeout(patienceMs)
  }

  gone(): void {
    this.isGone = true
    for (const waiter of this.waiters) waiter.clientGone()
  }

  readonly #end = (): void => {
    this.#atWork -= 1
    this.#idleSinceMs = performance.now()
    this.#bytesRead = this.#socket.bytesRead
  }
}
