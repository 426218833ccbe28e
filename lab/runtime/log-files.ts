/**
 * One log file an instance: standard output and standard error, appended, bounded.
 *
 * The instances write by themselves, without a process of ours in between: nothing is lost when the lab dies, and nothing costs
 * a copy. So the bound is kept by whoever comes by (each start, each verb, and all along by an `up` in the foreground): what is above it is
 * moved to NAME.log.1 by copy and truncation, which a writer in append mode does not notice.
 */
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readSync, readdirSync, statSync, truncateSync } from 'node:fs'
import path from 'node:path'

const LOG_BYTES_MAX = 32 * 1024 * 1024
const TAIL_BYTES = 8 * 1024

/** A descriptor for a child's output; the caller closes it. */
export function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true })
  boundLog(file)
  return openSync(file, 'a', 0o644)
}

/** Bounds every log in these directories: `*.log`, and Nginx's `*.json`. */
export function boundLogs(directories: readonly string[], bytesMax = LOG_BYTES_MAX): void {
  for (const directory of directories) {
    if (!existsSync(directory)) continue
    for (const name of readdirSync(directory)) if (/\.(log|json)$/.test(name)) boundLog(path.join(directory, name), bytesMax)
  }
}

function boundLog(file: string, bytesMax = LOG_BYTES_MAX): void {
  if (sizeOf(file) <= bytesMax) return
  copyFileSync(file, `${file}.1`)
  truncateSync(file)
}

/** How large the log is now, to read later what came after. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** The last lines that were written after `fromByte`, oldest first. */
export function lastLines(file: string, linesMax: number, fromByte = 0): string[] {
  const size = sizeOf(file)
  const start = Math.max(size - TAIL_BYTES, Math.min(fromByte, size))
  if (start >= size) return []
  const buffer = Buffer.alloc(size - start)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, buffer, 0, buffer.length, start)
  } finally {
    closeSync(descriptor)
  }
  const lines = buffer.toString('utf8').split('\n').filter(Boolean)
  return lines.slice(-linesMax)
}
