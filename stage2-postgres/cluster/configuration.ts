/**
 * Puts the configuration into a data directory: the readable files as they are, and one generated file of addresses.
 *
 * Copied and not included from the repository, because the server's user may not be able to read the repository; and at
 * every start, so that an edit, or another port, takes effect without making the cluster anew.
 */
import { chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { primaryOf, type ClusterNode } from './cluster.ts'
import { writePasswordFile } from './password-file.ts'
import { roleOf } from './secrets.ts'

export function configure(node: ClusterNode): void {
  place(node, 'postgresql.conf', 'postgresql.conf')
  place(node, node.role === 'primary' ? 'primary.conf' : 'standby.conf', 'role.conf')
  place(node, 'pg_hba.conf', 'pg_hba.conf')
  write(node, 'addresses.conf', addresses(node))
  if (node.role === 'replica') pointAtPrimary(node)
}

function addresses({ cluster, name, port }: ClusterNode): string {
  const settings = {
    listen_addresses: cluster.host,
    port: String(port),
    // A list, separated by commas; quoted, a comma in a path is a comma in a path.
    unix_socket_directories: `"${cluster.socketDir.replaceAll('"', '""')}"`,
    cluster_name: name,
    ...cluster.settings,
  }
  const lines = Object.entries(settings).map(([setting, value]) => `${setting} = '${value.replaceAll("'", "''")}'\n`)
  return `# Generated at each start: ports and directories.\n${lines.join('')}`
}

/**
 * `pg_basebackup -R` wrote how it reached the primary when the copy was made; the port, the socket or our own directory may have changed
 * since. A copy of an earlier release has the password itself in there.
 */
function pointAtPrimary(node: ClusterNode): void {
  const path = join(node.dataDir, 'postgresql.auto.conf')
  const before = readFileSync(path, 'utf8')
  const { port, cluster } = primaryOf(node.cluster)
  const parameters = { user: roleOf('replicator'), passfile: writePasswordFile(node), host: cluster.host, port: String(port) }
  const conninfo = Object.entries(parameters).map(([name, value]) => `${name}='${value.replaceAll(/[\\']/g, '\\$&')}'`)
  const line = `primary_conninfo = '${conninfo.join(' ').replaceAll(/[\\']/g, '$&$&')}'`
  const after = before.replace(/^primary_conninfo = .*$/gm, () => line)
  if (after !== before) write(node, 'postgresql.auto.conf', after)
}

function place(node: ClusterNode, from: string, to: string): void {
  const target = join(node.dataDir, to)
  copyFileSync(fileURLToPath(new URL(from, import.meta.url)), target)
  own(node, target)
}

function write(node: ClusterNode, name: string, content: string): void {
  const target = join(node.dataDir, name)
  writeFileSync(target, content, { mode: 0o600 })
  own(node, target)
}

function own({ cluster: { user } }: ClusterNode, path: string): void {
  chmodSync(path, 0o600)
  if (user) chownSync(path, user.uid, user.gid)
}
