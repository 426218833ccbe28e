/**
 * A short-lived connection to one of the cluster's servers, for what the lab itself asks: is it up, migrate, set.
 *
 * One connection, used and closed; the whole visit has a deadline, because postgres.js does not settle every query of a
 * server that died (see store/link.ts, which the services use instead).
 */
import postgres, { type Sql } from 'postgres'
import { withinMs } from '@relais/shared/resilience/deadline.ts'
import { DATABASE, type ClusterNode } from './cluster.ts'
import { readSecret, roleOf, type Login } from './secrets.ts'

export interface LoginOptions {
  readonly database?: string
  readonly timeoutMs?: number
  /** By the socket, for a server that does not listen on a port while it is being made. */
  readonly bySocket?: boolean
}

/** Logs in, runs `visit`, logs out. Rejects with the server's error, or after `timeoutMs`. */
export async function loginAs<T>(
  node: ClusterNode,
  login: Login,
  visit: (sql: Sql) => Promise<T>,
  { database = DATABASE, timeoutMs = 5_000, bySocket = false }: LoginOptions = {},
): Promise<T> {
  const { cluster, port } = node
  const sql = postgres({
    host: bySocket ? cluster.socketDir : cluster.host,
    port,
    database,
    username: roleOf(login),
    password: readSecret(cluster.secretsDir, login),
    max: 1,
    fetch_types: false,
    connect_timeout: Math.max(1, Math.ceil(timeoutMs / 1000)),
    // What the lab does must not wait for standbys that it has yet to start.
    connection: { application_name: `lab-${login}`, synchronous_commit: 'local' },
    onnotice: () => {},
  })
  const visited = visit(sql)
  visited.catch(() => {})
  try {
    return await withinMs(visited, timeoutMs, () => {
      throw new Error(`Failed to ask PostgreSQL ${node.name} on port ${port}: no answer within ${timeoutMs} ms.`)
    })
  } finally {
    await sql.end({ timeout: 0.2 }).catch(() => {})
  }
}
