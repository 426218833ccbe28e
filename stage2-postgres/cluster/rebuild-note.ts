/**
 * Why a standby is copied anew, as long as what it had is in its place: found out again it may no longer seem so, because the primary goes on
 * meanwhile.
 *
 *   no part of the primary's ─▶ note ─▶ server killed, if it runs ─▶ old data kept ─▶ note removed ─▶ new copy
 *
 * On disk, because its keeper ends where the primary goes away before the copy begins. It goes with the data that it speaks of: by it a new copy
 * that is cut off would be kept as well. As in compose/postgres/start-standby.sh.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterNode } from './cluster.ts'

export function noteRebuild(standby: ClusterNode, why: string): void {
  writeFileSync(noteOf(standby), why)
}

/** The reason, as `noteRebuild` had it. A full disk, or a crash, may have left the note without its words: it counts as well. */
export function notedRebuild(standby: ClusterNode): string | undefined {
  try {
    return readFileSync(noteOf(standby), 'utf8') || "it was found to be no part of the primary's history"
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export function forgetRebuild(standby: ClusterNode): void {
  rmSync(noteOf(standby), { force: true })
}

function noteOf({ directory }: ClusterNode): string {
  return join(directory, 'rebuild')
}
