/**
 * Two directories that cannot simply be where one would like them.
 *
 * The data: started as root, the servers run as another user, and that user cannot enter a clone below /root. Then the
 * data goes to that user's own place. The sockets: their whole path must fit into about a hundred bytes, whatever
 * the clone is called.
 */
import { createHash } from 'node:crypto'
import { chownSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { canEnter, type ServerUser } from './server-user.ts'

/** Linux allows 108 bytes and macOS 104, with the closing NUL and "/.s.PGSQL.65535.lock". */
const SOCKET_DIRECTORY_BYTES_MAX = 80

/** `dir` itself where the server's user can enter it, otherwise a directory of the same name elsewhere. */
export function serverRoot(dir: string, user: ServerUser | undefined): string {
  if (canEnter(nearestExisting(dir), user)) return dir
  const home = existsSync('/var/lib/postgresql') ? '/var/lib/postgresql' : '/var/tmp'
  return join(home, `relais-${shortHash(dir)}`)
}

export function socketDirectory(root: string): string {
  const beside = join(root, 'run')
  return Buffer.byteLength(beside) <= SOCKET_DIRECTORY_BYTES_MAX ? beside : join(tmpdir(), `relais-${shortHash(root)}`)
}

export function makeSocketDirectory(directory: string, user: ServerUser | undefined): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  const owner = lstatSync(directory)
  // In a directory for everybody, somebody else may have been there first and would see our passwords go by.
  if (!owner.isDirectory() || ![process.getuid?.(), user?.uid].includes(owner.uid)) {
    throw new Error(`Failed to use ${directory} for sockets: it belongs to somebody else; remove it.`)
  }
  if (user) chownSync(directory, user.uid, user.gid)
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path))
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
