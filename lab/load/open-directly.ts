/**
 * Many connections to one PostgreSQL server at the same time, each by itself as a client without a pool would open it.
 *
 * All are held until every one of them has been let in or refused: one that is closed early makes room for another, and the
 * count would say nothing.
 */
import postgres from 'postgres'
import { DATABASE, type ClusterNode } from '@relais/stage2-postgres/cluster/cluster.ts'
import { readSecret, roleOf } from '@relais/stage2-postgres/cluster/secrets.ts'

/** `too_many_connections`: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const TOO_MANY_CONNECTIONS = '53300'
const CONNECT_TIMEOUT_S = 10

export interface OpenedDirectly {
  readonly opened: number
  /** With 53300. */
  readonly refused: number
  /** By code. */
  readonly otherErrors: Readonly<Record<string, number>>
  /** The server's own words for its refusal. */
  readonly sentence: string | undefined
}

export async function openDirectly({ cluster, port }: ClusterNode, count: number): Promise<OpenedDirectly> {
  const login = 'readonly'
  const clients = Array.from({ length: count }, () =>
    postgres({
      host: cluster.host,
      port,
      database: DATABASE,
      username: roleOf(login),
      password: readSecret(cluster.secretsDir, login),
      max: 1,
      fetch_types: false,
      connect_timeout: CONNECT_TIMEOUT_S,
      connection: { application_name: 'lab-connections' },
      onnotice: () => {},
    }),
  )
  try {
    const visits = await Promise.allSettled(clients.map((sql) => sql`SELECT 1`))
    const errors = visits.flatMap((visit) => (visit.status === 'rejected' ? [visit.reason as Error & { code?: string }] : []))
    const tooMany = errors.filter(({ code }) => code === TOO_MANY_CONNECTIONS)
    const otherErrors: Record<string, number> = {}
    for (const { code, message } of errors)
      if (code !== TOO_MANY_CONNECTIONS) otherErrors[code ?? message] = (otherErrors[code ?? message] ?? 0) + 1
    return { opened: count - errors.length, refused: tooMany.length, otherErrors, sentence: tooMany[0]?.message }
  } finally {
    await Promise.all(clients.map((sql) => sql.end({ timeout: 1 }).catch(() => {})))
  }
}
