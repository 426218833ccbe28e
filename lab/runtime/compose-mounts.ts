/**
 * What containers mount of this repository, made readable for them.
 *
 * A mounted file keeps its owner and its mode, and who reads it in a container is somebody else: Nginx is 101, PostgreSQL 999, Prometheus
 * 65534, Grafana 472. In a clone that was made with umask 027 or 077 none of them can.
 */
import { chmodSync, lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { failed } from '../failure.ts'
import { REPOSITORY } from './stage-directory.ts'

/** From the repository's root; a test holds them against the compose files. */
export const MOUNTED = [
  'compose/generated',
  'compose/monitoring',
  'compose/nginx',
  'compose/postgres',
  'nginx',
  'stage2-postgres/cluster',
] as const

const FILE_BITS = 0o044
const DIRECTORY_BITS = 0o055

/** As `chmod -R go+rX`. Returns one sentence on what was changed, or nothing; throws where it is not ours to change. */
export function openMountedFiles(root = REPOSITORY): string {
  const changed = MOUNTED.filter((name) => openBelow(path.join(root, name)) > 0)
  return changed.length === 0 ? '' : `Made readable for the users of containers (chmod go+rX): ${changed.join(', ')}.`
}

/** How many modes were changed. */
function openBelow(target: string): number {
  const status = lstatSync(target)
  const isDirectory = status.isDirectory()
  if (!isDirectory && !status.isFile()) return 0
  const bits = isDirectory ? DIRECTORY_BITS : FILE_BITS
  const isClosed = (status.mode & bits) !== bits
  if (isClosed) open(target, (status.mode & 0o7777) | bits)
  const below = isDirectory ? readdirSync(target).map((name) => openBelow(path.join(target, name))) : []
  return below.reduce((sum, one) => sum + one, isClosed ? 1 : 0)
}

function open(target: string, mode: number): void {
  try {
    chmodSync(target, mode)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw failed(
      `Failed to make ${target} readable for the users of containers: ${reason}.\n` +
        `Let its owner run \`chmod -R go+rX ${MOUNTED.join(' ')}\` in ${REPOSITORY}.`,
    )
  }
}
