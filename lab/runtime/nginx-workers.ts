/**
 * Which user Nginx's workers are, and whether they can enter a directory.
 *
 * Started as root, Nginx gives its workers to the user that it was built with (our files name none). `nginx -t` runs as root and finds
 * nothing wrong with a prefix below /root; the workers then answer 500 for each read that is to be kept.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { canEnter } from '@relais/stage2-postgres/cluster/server-user.ts'
import { failed } from '../failure.ts'
import { findNginx } from '../setup/nginx-program.mjs'

/** Throws where the workers cannot keep files in `directory`; what they only pass on needs none. */
export function refuseClosedCacheDirectory(directory: string): void {
  if (process.getuid?.() !== 0) return
  const name = workerUserOf(spawnSync(findNginx() ?? 'nginx', ['-V'], { encoding: 'utf8', timeout: 10_000 }).stderr ?? '')
  const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8', timeout: 10_000 }))
  if (canEnter(directory, { uid: id('-u'), gid: id('-g') })) return
  throw failed(
    `Failed to switch the cache on: Nginx's workers, user ${name}, cannot enter ${directory}.\n` +
      `Start the stage as an ordinary user, or with RELAIS_STATE_DIR=DIRECTORY, one that ${name} can enter.`,
  )
}

/** By what `nginx -V` says. https://nginx.org/en/docs/configure.html (--user, default nobody) */
export function workerUserOf(versionText: string): string {
  return /--user=(\S+)/.exec(versionText)?.[1] ?? 'nobody'
}
