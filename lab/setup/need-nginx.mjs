/** Nginx, or an end that says how to get it. */
import { findNginx, NGINX_VERSION_MIN, tooOldNginx } from './nginx-program.mjs'
import { stopWith } from './stop-with.mjs'
import { installPackage } from './system-packages.mjs'

const NAMES = { 'apt-get': 'nginx', dnf: 'nginx', apk: 'nginx', pacman: 'nginx', zypper: 'nginx', brew: 'nginx' }

export async function needNginx() {
  const remedy = findNginx() ? undefined : await installPackage('Nginx', NAMES)
  const program = findNginx()
  if (!program)
    stopWith(
      'Failed to find nginx: it is not in PATH or /usr/sbin, and could not be installed.',
      remedy ?? 'Install Nginx, then run the same command again.',
    )
  const version = tooOldNginx(program)
  if (version !== undefined)
    stopWith(
      `Failed to use nginx: found ${version} (${program}), expected ${NGINX_VERSION_MIN} or newer.`,
      'Install a newer one (nginx.org has packages for this system), or run the stages on containers.',
    )
}
