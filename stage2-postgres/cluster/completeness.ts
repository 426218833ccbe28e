/**
 * Whether a data directory was made to its end. Making one takes seconds and can be interrupted at any point, and what is
 * left then looks much like a database; so the last step writes a note beside it, and a directory without its note is
 * made again.
 *
 * The primary has another note from its first step to its last: without either it may be whole, and have lost the one of its end.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterNode } from './cluster.ts'
import { cleanServer } from './server.ts'

const NOTE = 'complete.json'
const MAKING = 'making'

export function isComplete(node: ClusterNode): boolean {
  return existsSync(join(node.directory, NOTE)) && existsSync(join(node.dataDir, 'PG_VERSION'))
}

/** Whether there may be records in it, note or not. The control file is what a copy ends with. */
export function mayHoldData(node: ClusterNode): boolean {
  return existsSync(join(node.dataDir, 'global', 'pg_control'))
}

export function markMaking(node: ClusterNode): void {
  writeFileSync(join(node.directory, MAKING), '')
}

export function isHalfMade(node: ClusterNode): boolean {
  return existsSync(join(node.directory, MAKING))
}

export function markComplete(node: ClusterNode): void {
  rmSync(join(node.directory, MAKING), { force: true })
  const note = { name: node.name, role: node.role, major: node.cluster.programs.major, madeAt: new Date().toISOString() }
  writeFileSync(join(node.directory, NOTE), `${JSON.stringify(note)}\n`)
}

/** First of all, whatever becomes of the data: an interruption leaves an incomplete directory, not a damaged one that looks whole. */
export function unmarkComplete(node: ClusterNode): void {
  rmSync(join(node.directory, NOTE), { force: true })
}

/** The data directory, and not what is kept beside it. Its server must not run. */
export async function removeData(node: ClusterNode): Promise<void> {
  unmarkComplete(node)
  if (existsSync(node.dataDir)) await cleanServer(node)
  rmSync(node.dataDir, { recursive: true, force: true })
}

/** The major version that made the data, if there is any. */
export function majorOfData(node: ClusterNode): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(node.dataDir, 'PG_VERSION'), 'utf8'), 10)
  } catch {
    return undefined
  }
}
