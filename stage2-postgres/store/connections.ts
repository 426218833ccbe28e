/** The pools of a service: who they log in as, what their sessions are set to, how large they may be. */
import type { Log } from '@relais/shared/observe/log.ts'
import type { Role } from '@relais/shared/store/store.ts'
import { DATABASE } from '../cluster/cluster.ts'
import { readSecret, roleOf, type Login } from '../cluster/secrets.ts'
import type { ServerFacts, SessionSettings } from './link.ts'
import { poolSizes } from './pool-sizes.ts'
import { Pool, type PoolOptions } from './pool.ts'

interface ServerAddress {
  /** A host, or a directory with the server's socket. */
  readonly host: string
  readonly port: number
  /** A directory with one password file a login. */
  readonly secretsDir: string
}

export interface ConnectionsOptions {
  /** "db1": who we are, in pg_stat_activity. */
  readonly name: string
  readonly address: ServerAddress
  readonly role: Role
  readonly onFacts: (facts: ServerFacts) => void
  /** A link was lost, after the last answer that came over it. */
  readonly onLost: () => void
  readonly log: Log
}

type Kind = 'reads' | 'inserts' | 'changes' | 'monitor'

const LOGINS: Record<Kind, Login> = { reads: 'readonly', inserts: 'app', changes: 'app', monitor: 'monitor' }

/** What we look up is on an index, always; with few rows the planner would rather scan, and keep to it when they are many. */
const BY_INDEX = { enable_seqscan: 'off' }
const SETTINGS: Record<Kind, SessionSettings> = {
  reads: { ...BY_INDEX, statement_timeout: '2s' },
  // A statement that waits for a lock ends by itself, and then certainly changed nothing. The wait for a standby comes
  // after the statement and is not touched by these.
  inserts: { ...BY_INDEX, enable_hashjoin: 'off', enable_mergejoin: 'off', lock_timeout: '1s', statement_timeout: '5s' },
  changes: { ...BY_INDEX, enable_hashjoin: 'off', enable_mergejoin: 'off', lock_timeout: '1s', statement_timeout: '5s' },
  monitor: { statement_timeout: '1s' },
}

const LIMITS: Record<Kind, Pick<PoolOptions, 'perLinkMax' | 'waitingMax' | 'silenceMsMax'>> = {
  // Pipelined: the answers of several short reads come back in one packet.
  reads: { perLinkMax: 8, waitingMax: 4096, silenceMsMax: 1_500 },
  // A commit may wait long for its standbys and must not be given up for it; a server that froze looks the same.
  inserts: { perLinkMax: 1, waitingMax: 1, silenceMsMax: 30_000 },
  changes: { perLinkMax: 1, waitingMax: 4096, silenceMsMax: 30_000 },
  monitor: { perLinkMax: 4, waitingMax: 64, silenceMsMax: 1_500 },
}

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #pools = new Map<Kind, Pool>()
  #isInRecovery: boolean | undefined

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** The pool of this kind, opened at its first use. It starts with one link; the server's own limit sets its size. */
  pool(kind: Kind): Pool {
    const existing = this.#pools.get(kind)
    if (existing) return existing
    const { address, name, log } = this.#options
    const login = LOGINS[kind]
    const password = readSecret(address.secretsDir, login)
    const pool = new Pool({
      link: {
        target: { host: address.host, port: address.port, database: DATABASE, username: roleOf(login), password },
        applicationName: `${name}-${kind}`,
        settings: SETTINGS[kind],
      },
      ...LIMITS[kind],
      linksMax: 1,
      onOpened: (facts) => {
        this.#pools.get(kind)?.resize(poolSizes(facts)[kind])
        this.see(facts)
        this.#options.onFacts(facts)
      },
      onGone: (reason) => {
        log.warn({ pool: kind, reason }, 'a connection to PostgreSQL was lost')
        this.#options.onLost()
      },
    })
    this.#pools.set(kind, pool)
    return pool
  }

  /** The reason why one of these pools cannot reach the server, or why it is not the server that this service is for. */
  awayBecause(...kinds: Kind[]): string | undefined {
    for (const kind of kinds) {
      const reason = this.pool(kind).awayBecause
      if (reason !== undefined) return `PostgreSQL is away: ${reason}`
    }
    const expected = this.#options.role === 'replica'
    if (this.#isInRecovery !== expected) return `PostgreSQL is ${expected ? 'no' : 'a'} standby`
    return undefined
  }

  /** What the server is can change while our links live: a promotion keeps them all. */
  see({ isInRecovery }: Pick<ServerFacts, 'isInRecovery'>): void {
    this.#isInRecovery = isInRecovery
  }

  waiting(): number {
    let waiting = 0
    for (const pool of this.#pools.values()) waiting += pool.waiting
    return waiting
  }

  open(): number {
    let open = 0
    for (const pool of this.#pools.values()) open += pool.connections
    return open
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()))
  }
}
