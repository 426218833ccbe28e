/** A PostgreSQL server of stage 2 in its container, for `loginAs`: its address in the servers' network, the passwords in their volume. */
import type { Cluster, ClusterNode } from '@relais/stage2-postgres/cluster/cluster.ts'
import type { Node } from '../../topology.ts'

const PORT = 5_432
const SECRETS_DIR = process.env['RELAIS_POSTGRES_SECRETS_DIR'] ?? '/run/relais-secrets'

/** The server beside a database service: "http://stage2-single-db1:19007" has "stage2-single-db1-postgres". */
export function serverOf({ name, role, url }: Node): ClusterNode {
  const cluster: Cluster = {
    host: `${new URL(url).hostname}-postgres`,
    secretsDir: SECRETS_DIR,
    nodes: [],
    // Directories and programs are the server's own, in its container.
    root: '',
    socketDir: '',
    programs: { bindir: '', major: 0 },
    user: undefined,
    settings: {},
  }
  return { name, role: role!, port: PORT, cluster, directory: '', dataDir: '' }
}
