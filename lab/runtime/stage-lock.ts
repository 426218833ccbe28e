/**
 * One lab at a time changes a stage.
 *
 * The lock is a file that names its holder by pid and start. It is made with its content by `link`, which is atomic, so nobody sees an
 * empty one; a holder that was killed leaves it behind, and whoever finds its process gone removes it, one lab at a time. Then `link`
 * decides again.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failed } from '../failure.ts'
import { findProcess, lookUpProcess, type ProcessIdentity } from './process-table.ts'

const RETRY_MS = 25
const WAIT_MS_MAX = 30_000

export interface LockOptions {
  /** How long to wait for another lab. */
  readonly waitMsMax?: number
}

/** Runs `work` while holding the lock; waits for another lab, bounded, and then fails naming it. */
export async function withStageLock<T>(file: string, work: () => Promise<T>, { waitMsMax = WAIT_MS_MAX }: LockOptions = {}): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true })
  const self = lookUpProcess(process.pid)!
  const mine: ProcessIdentity = { pid: self.pid, startedAt: self.startedAt }
  const giveUpAtMs = performance.now() + waitMsMax
  while (!tryLock(file, mine)) {
    if (performance.now() > giveUpAtMs) {
      throw failed(
        `Failed to change the stage: another lab (pid ${pidOf(readHolder(file))}) still holds its lock after ${waitMsMax / 1000} s.\n` +
          `Wait until it has finished, or stop it; the lock is ${file}.`,
      )
    }
    await sleep(RETRY_MS)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

let attempts = 0

function tryLock(file: string, mine: ProcessIdentity): boolean {
  const unique = `${file}.${mine.pid}.${attempts++}`
  writeFileSync(unique, JSON.stringify(mine), { mode: 0o600 })
  try {
    if (tryLink(unique, file)) return true
    // This process may hold it itself, for another call: that one ends soon.
    if (isStale(file)) takeAway(file, unique)
    return tryLink(unique, file)
  } finally {
    rmSync(unique, { force: true })
  }
}

/**
 * Removes a lock that was left behind. One lab at a time does so, and looks at the holder again when it is its turn: what it removes is then
 * what it has looked at.
 */
function takeAway(file: string, unique: string): void {
  const turn = `${file}.takeover`
  if (!tryLink(unique, turn)) {
    // Its holder may have been killed within these few lines.
    if (isStale(turn)) rmSync(turn, { force: true })
    return
  }
  try {
    if (isStale(file)) rmSync(file, { force: true })
  } finally {
    rmSync(turn, { force: true })
  }
}

/** False also of a file that is not there. */
function isStale(file: string): boolean {
  const holder = readHolder(file)
  return holder !== undefined && (holder === 'damaged' || !findProcess(holder))
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function pidOf(holder: ReturnType<typeof readHolder>): number | string {
  return typeof holder === 'object' ? holder.pid : 'unknown'
}

/** `undefined` where there is no such file. */
function readHolder(file: string): ProcessIdentity | 'damaged' | undefined {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    return JSON.parse(text) as ProcessIdentity
  } catch {
    return 'damaged'
  }
}
