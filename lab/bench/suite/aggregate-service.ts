/**
 * One PostgreSQL server's aggregate query over HTTP, through a pool with a bound: what a pool alone does for section 6.3.2.
 *
 *   GET anything ─▶ [line, bounded] ─▶ one of a few connections ─▶ {"server": "DB2", "rows": 5}
 *
 * A program of its own, because the database services offer no such query and should not. It ends when the lab that started it does.
 */
import { createServer } from 'node:http'
import postgres from 'postgres'
import { DATABASE } from '@relais/stage2-postgres/cluster/cluster.ts'
import { readSecret, roleOf } from '@relais/stage2-postgres/cluster/secrets.ts'
import { AGGREGATE_QUERY } from './aggregate-table.ts'

/** Far below `max_connections`, several for each core. */
const CONNECTIONS_MAX = 16
const WAITING_MAX = 2_048
const STATEMENT_MS_MAX = 60_000

const { RELAIS_NAME = '', RELAIS_PORT, RELAIS_POSTGRES_HOST, RELAIS_POSTGRES_PORT, RELAIS_POSTGRES_SECRETS_DIR = '' } = process.env
const sql = postgres({
  host: RELAIS_POSTGRES_HOST ?? '',
  port: Number(RELAIS_POSTGRES_PORT),
  database: DATABASE,
  username: roleOf('readonly'),
  password: readSecret(RELAIS_POSTGRES_SECRETS_DIR, 'readonly'),
  max: CONNECTIONS_MAX,
  fetch_types: false,
  connection: { application_name: 'bench-aggregate', statement_timeout: STATEMENT_MS_MAX },
})
let waiting = 0

const server = createServer({ keepAliveTimeout: 75_000 }, (_, outgoing) => {
  const answer = (status: number, body: object): void => {
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (waiting >= WAITING_MAX) return answer(503, { code: 'overloaded' })
  waiting += 1
  sql
    .unsafe(AGGREGATE_QUERY)
    .then(
      (rows) => answer(200, { server: RELAIS_NAME.toUpperCase(), rows: rows.length }),
      (error: { code?: string }) => answer(500, { code: error.code ?? 'unknown' }),
    )
    .finally(() => (waiting -= 1))
})
server.listen(Number(RELAIS_PORT), '127.0.0.1', 4096, () => process.send?.('listening'))
process.once('disconnect', () => process.exit(0))
