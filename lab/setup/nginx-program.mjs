/**
 * Where Nginx is. Debian puts it into /usr/sbin, which is not in an ordinary user's PATH; Homebrew into its own prefix.
 * Used by the set-up, on any Node, and by the native runtime.
 */
import { findProgram } from './find-program.mjs'

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
