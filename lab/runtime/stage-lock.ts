/**
 * One lab at a time changes a stage.
 *
 * The lock is a file that names its holder by pid and start. It is made with its content by `link`, which is atomic, so nobody sees an
 * empty one; a holder that was killed leaves it behind, and whoever finds its process gone takes it over. Two that find
 * it at the same moment both rename it away, only one succeeds, and `link` decides again.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
        `Failed to change the stage: another lab (pid ${readHolder(file)?.pid ?? 'unknown'}) is at work on it after ${waitMsMax / 1000} s.\n` +
          `Wait for it, or end it; its lock is ${file}.`,
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
    const holder = readHolder(file)
    // This process may hold it itself, for another call: that one ends soon.
    if (holder && findProcess(holder)) return false
    takeAway(file, holder, `${unique}.stale`)
    return tryLink(unique, file)
  } finally {
    rmSync(unique, { force: true })
  }
}

/** Removes a lock that was left behind, unless another lab has replaced it in the meantime. */
function takeAway(file: string, stale: ProcessIdentity | undefined, aside: string): void {
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  const taken = readHolder(aside)
  if (taken && taken.startedAt !== stale?.startedAt && findProcess(taken)) tryLink(aside, file)
  rmSync(aside, { force: true })
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

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}
