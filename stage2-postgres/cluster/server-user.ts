/**
 * Under which user the servers run: PostgreSQL refuses to start as root, and rightly so. Started as root we hand the
 * servers to the system's `postgres` user; started as anybody else they run as that one.
 */
import { execFileSync, spawnSync } from 'node:child_process'

export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

const NAMES = ['postgres', '_postgres', 'nobody']

/** `undefined`: the servers run as the user that we are. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of NAMES) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      continue
    }
  }
  throw new Error(
    `Failed to find an unprivileged user for PostgreSQL: found none of ${NAMES.join(', ')}; create one, or do not run as root.`,
  )
}

/** Whether the server's user can enter `directory`: a clone below /root is closed to everyone but root. */
export function canEnter(directory: string, user: ServerUser | undefined): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { cwd: '/', stdio: 'ignore', ...user }).status === 0
}
