/**
 * Where Nginx is. Debian puts it into /usr/sbin, which is not in an ordinary user's PATH; Homebrew into its own prefix.
 * Used by the set-up, on any Node, and by the native runtime.
 */
import { spawnSync } from 'node:child_process'
import { findProgram } from './find-program.mjs'

/** Our files have directives, and `-e`, that older ones lack. */
export const NGINX_VERSION_MIN = '1.22'

export function findNginx() {
  return findProgram('nginx', [
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/local/nginx/sbin',
    '/opt/homebrew/bin',
    '/usr/local/bin',
    '/opt/local/sbin',
  ])
}

/** As `1.18.0`, when it is below the least that works; `undefined` when it is not, or does not say. */
export function tooOldNginx(program) {
  const said = spawnSync(program, ['-v'], { encoding: 'utf8', timeout: 10_000 }).stderr ?? ''
  const [, version, major, minor] = /nginx\/((\d+)\.(\d+)[^\s]*)/.exec(said) ?? []
  if (version === undefined) return undefined
  const [majorMin, minorMin] = NGINX_VERSION_MIN.split('.').map(Number)
  return Number(major) < majorMin || (Number(major) === majorMin && Number(minor) < minorMin) ? version : undefined
}
