/**
 * Writes that a replica held and its primary's history does not: out of the list, but not out of the world.
 *
 *   snapshot of another history ─▶ entries behind the last common one ─▶ discarded-EPOCH-TIME.ndjson, for a person to look at
 *
 * One file an incident, and a bounded number of them: a replica that is reset again and again must not fill the disk.
 */
import { closeSync, fsyncSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Discarded } from '../store/replicated-list.ts'

const FILES_MAX = 10
const NAME = /^discarded-\d+-(\d+)\.ndjson$/

/** Returns the file written (mode 0600, on the disk), and those of the oldest incidents that made room for it. Throws, and leaves none, when it cannot. */
export function keepDiscarded(
  { entries }: Discarded,
  { dataDir, epoch, nowMs }: { dataDir: string; epoch: number; nowMs: number },
): { file: string; removed: string[] } {
  const file = join(dataDir, `discarded-${epoch}-${nowMs}.ndjson`)
  try {
    writeEntries(file, entries)
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  }
  const madeAtMs = (name: string): number => Number(NAME.exec(name)![1])
  const kept = readdirSync(dataDir).filter((name) => NAME.test(name))
  const oldest = kept.toSorted((a, b) => madeAtMs(a) - madeAtMs(b)).slice(0, Math.max(0, kept.length - FILES_MAX))
  const removed = oldest.map((name) => join(dataDir, name))
  for (const old of removed) rmSync(old, { force: true })
  return { file, removed }
}

/** One by one: all of them at once may be more than a string can hold. */
function writeEntries(file: string, entries: Discarded['entries']): void {
  const descriptor = openSync(file, 'w', 0o600)
  try {
    for (const entry of entries) writeSync(descriptor, `${JSON.stringify(entry)}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
