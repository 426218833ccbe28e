/** How others get to a server: the db service beside it by its environment, a person by psql. */
import { program, DATABASE, type ClusterNode } from './cluster.ts'
import { readSecret, roleOf, type Login } from './secrets.ts'

/** What the db service beside this server needs in its environment, in addition to the settings of every service. */
export function serviceEnvironment({ cluster, port }: ClusterNode): Record<string, string> {
  return {
    // By its socket: a good tenth less work for each statement than by the loopback network.
    RELAIS_POSTGRES_HOST: cluster.socketDir,
    RELAIS_POSTGRES_PORT: String(port),
    RELAIS_POSTGRES_SECRETS_DIR: cluster.secretsDir,
  }
}

export interface PsqlCommand {
  readonly command: string
  readonly args: readonly string[]
  /** In addition to the caller's own environment, which holds the terminal's settings. */
  readonly env: Record<string, string>
}

/** psql on this server, with the password in its environment and not on its command line. */
export function psqlCommand(node: ClusterNode, login: Login = 'admin'): PsqlCommand {
  const { cluster, port, name } = node
  return {
    command: program(cluster, 'psql'),
    args: ['--host', cluster.host, '--port', String(port), '--username', roleOf(login), '--dbname', DATABASE],
    env: { PGPASSWORD: readSecret(cluster.secretsDir, login), PGAPPNAME: `psql-${name}` },
  }
}
