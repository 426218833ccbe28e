/**
 * The replicator's password as a standby's server reads it: libpq's own file, beside the data, mode 0600.
 *
 * (!) `pg_basebackup -R` writes down how it logged in. Given the password it writes the password into primary_conninfo, which
 * `SHOW` gives to whoever may read all settings; given a file, it writes the file's path.
 * The secret's own file will not do: the server's user cannot read it. Source: PostgreSQL documentation, "The Password File".
 */
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterNode } from './cluster.ts'
import { readSecret, roleOf } from './secrets.ts'

/** Writes it as the secret is now, into the node's directory, which must exist; returns its path. */
export function writePasswordFile({ cluster: { secretsDir, user }, directory }: ClusterNode): string {
  const path = join(directory, 'replicator.pgpass')
  const password = readSecret(secretsDir, 'replicator').replaceAll(/[\\:]/g, '\\$&')
  writeFileSync(path, `*:*:*:${roleOf('replicator')}:${password}\n`, { mode: 0o600 })
  if (user) chownSync(path, user.uid, user.gid)
  return path
}
