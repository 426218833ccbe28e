/**
 * One connection to PostgreSQL, for as long as it is sound; then it is thrown away, never repaired.
 *
 * postgres.js 3.4 keeps state from one socket to the next: after a server was killed, queries can stay pending for ever
 * (a write that was scheduled on the old socket blocks the new one), and `begin()` can throw where nobody can catch it.
 * So a link is a postgres.js client with exactly one connection and one host; what it still owes when the connection
 * goes is rejected here, by us, and its pool opens a new link with a new client.
 */
import postgres, { type Notice, type Sql } from 'postgres'
import { withinMs } from '@relais/shared/resilience/deadline.ts'

interface ServerTarget {
  /** A host, or a directory with the server's socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
  readonly password: string
}

/** As text, as PostgreSQL itself writes them: postgres.js leaves out what is `false` or 0, without a word. */
export type SessionSettings = Readonly<Record<string, string>>

export interface LinkOptions {
  readonly target: ServerTarget
  readonly applicationName: string
  readonly settings: SessionSettings
  /** Called once, when the connection is gone, whoever ended it. */
  readonly onGone: (link: Link, reason: string) => void
}

/** What a server says of itself when a link opens. */
export interface ServerFacts {
  readonly isInRecovery: boolean
  readonly timeline: number
  readonly connectionsMax: number
  readonly connectionsReserved: number
}

/** The connection went away. What was sent on it may or may not have happened. */
export class LinkLost extends Error {
  override readonly name = 'LinkLost'
}

const OPEN_TIMEOUT_MS = 1_000

export class Link {
  /** Statements on their way. */
  inFlight = 0
  /** When the server last said anything, by `performance.now()`. */
  lastAnswerAtMs = 0
  /** Warnings so far. One during a commit may mean that the wait for a standby was given up: see insert-lane.ts. */
  warnings = 0
  #isGone = false
  /** Who still waits for an answer. */
  readonly #owed = new Set<(error: LinkLost) => void>()
  readonly #sql: Sql
  readonly #options: LinkOptions

  constructor(options: LinkOptions) {
    this.#options = options
    const { target, settings, applicationName } = options
    this.#sql = postgres({
      ...target,
      max: 1,
      prepare: true,
      // It would ask the server for the types of arrays at each opening; we write array literals ourselves.
      fetch_types: false,
      connect_timeout: OPEN_TIMEOUT_MS / 1000,
      // A connection stays until it breaks: reopening one costs a process on the server and an SCRAM exchange.
      idle_timeout: 0,
      max_lifetime: null,
      connection: { application_name: applicationName, ...settings },
      types: TYPES,
      onnotice: (notice) => this.#note(notice),
      onclose: () => this.retire('the server closed the connection'),
    })
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Connects. Rejects when that fails, or takes longer than a second; the link is then gone. */
  async open(): Promise<ServerFacts> {
    try {
      const rows = await withinMs(
        this.query((sql) => sql<ServerFacts[]>`${sql.unsafe(FACTS)}`),
        OPEN_TIMEOUT_MS,
        () => {
          throw new LinkLost(`no connection within ${OPEN_TIMEOUT_MS} ms`)
        },
      )
      return rows[0]!
    } catch (error) {
      this.retire(error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  /** Settles as the statement does, or rejects with `LinkLost` when the connection goes first. */
  query<T>(start: (sql: Sql) => PromiseLike<T>): Promise<T> {
    if (this.#isGone) return Promise.reject(new LinkLost('the connection is gone'))
    return new Promise((resolve, reject) => {
      // Not `Promise.race` with one promise a link: each race would stay attached to it for as long as the link lives.
      this.#owed.add(reject)
      void this.#settle(start, resolve, reject)
    })
  }

  /** Ends the connection; a commit that waits for a standby on the server goes on waiting there. */
  retire(reason: string): void {
    if (this.#isGone) return
    this.#isGone = true
    for (const reject of this.#owed) reject(new LinkLost(reason))
    this.#owed.clear()
    this.#sql.end({ timeout: 0 }).catch(() => {})
    this.#options.onGone(this, reason)
  }

  async #settle<T>(start: (sql: Sql) => PromiseLike<T>, resolve: (value: T) => void, reject: (error: unknown) => void): Promise<void> {
    try {
      const value = await start(this.#sql)
      this.lastAnswerAtMs = performance.now()
      resolve(value)
    } catch (error) {
      reject(this.#failed(error))
    } finally {
      this.#owed.delete(reject)
    }
  }

  #failed(error: unknown): unknown {
    if (isStatementError(error)) {
      this.lastAnswerAtMs = performance.now()
      return error
    }
    const reason = error instanceof Error ? error.message : String(error)
    this.retire(reason)
    return new LinkLost(reason, { cause: error })
  }

  #note(notice: Notice): void {
    if (notice['severity'] === 'WARNING') this.warnings++
  }
}

/** The server refused a statement and the connection lives on. Anything else that goes wrong ends the link. */
export function isStatementError(error: unknown): error is postgres.PostgresError {
  return error instanceof postgres.PostgresError && error.severity === 'ERROR'
}

const FACTS = `SELECT pg_is_in_recovery() AS "isInRecovery",
  (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
  current_setting('max_connections')::int AS "connectionsMax",
  current_setting('superuser_reserved_connections')::int AS "connectionsReserved"`

const TYPES = {
  /** Ids and counts: below 2^53, or something is very wrong elsewhere. */
  bigint: { to: 20, from: [20], parse: Number, serialize: String },
  /** "2026-11-23 21:04:14.868+00", as the servers say it in UTC, to milliseconds. */
  timestamp: {
    to: 1184,
    from: [1184],
    parse: (text: string) => Date.parse(`${text.slice(0, 10)}T${text.slice(11, text.lastIndexOf('+'))}Z`),
    serialize: (timeMs: number) => new Date(timeMs).toISOString(),
  },
}
