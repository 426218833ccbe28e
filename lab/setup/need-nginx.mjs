/** Nginx, or an end that says how to get it. */
import { findNginx } from './nginx-program.mjs'
import { stopWith } from './stop-with.mjs'
import { installPackage } from './system-packages.mjs'

const NAMES = { 'apt-get': 'nginx', dnf: 'nginx', apk: 'nginx', pacman: 'nginx', zypper: 'nginx', brew: 'nginx' }

export async function needNginx() {
  if (findNginx()) return
  const remedy = await installPackage('Nginx', NAMES)
  if (!findNginx())
    stopWith(
      'Failed to find nginx: it is not in PATH or /usr/sbin, and could not be installed.',
      remedy ?? 'Install Nginx, then run the same command again.',
    )
}
