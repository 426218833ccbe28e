/**
 * The processes of one server. PostgreSQL is a family: the postmaster, and children that each lead a process group of
 * their own, so a signal to the postmaster's group reaches none of them.
 *
 * That matters three times. SIGKILL to the postmaster alone is not a crash: its children finish what they are at.
 * SIGSTOP to it alone freezes nothing but new connections. And children that outlive it hold the shared memory, with
 * which a new start refuses to begin.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterNode } from './cluster.ts'
import { parseKey, type Segment } from './shared-memory.ts'

/** The postmaster's pid when it runs, otherwise `undefined`; a pid file that was left behind does not fool it. */
export function postmasterPid(node: ClusterNode): number | undefined {
  const pid = Number(pidFileLines(node)[0])
  return Number.isSafeInteger(pid) && pid > 1 && isServing(pid, node) ? pid : undefined
}

/** Every process of this server: the postmaster first, if it lives, then its children, or what it left behind. */
export function serverPids(node: ClusterNode): number[] {
  // A standby whose rebuild failed: the old copy is removed before the new one is made.
  if (!existsSync(node.dataDir)) return []
  const postmaster = postmasterPid(node)
  const all = process.platform === 'linux' ? pidsInDirectory(realpathSync(node.dataDir)) : childPids(postmaster)
  return postmaster === undefined ? all : [postmaster, ...all.filter((pid) => pid !== postmaster)]
}

/** The System V segment that the last postmaster made, from its pid file. */
export function sharedMemory(node: ClusterNode): Segment | undefined {
  const [, keyText = '', id] = /^\s*(\d+)\s+(\d+)/.exec(pidFileLines(node)[6] ?? '') ?? []
  const key = parseKey(keyText)
  return key === undefined ? undefined : { key, id: Number(id) }
}

function pidFileLines(node: ClusterNode): string[] {
  try {
    return readFileSync(join(node.dataDir, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return []
  }
}

function isServing(pid: number, node: ClusterNode): boolean {
  if (process.platform === 'linux') return isServerProcess(pid, realpathSync(node.dataDir))
  return processTable('command').some((row) => row.pid === pid && row.rest.includes(`postgres -D ${node.dataDir}`))
}

function pidsInDirectory(directory: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isSafeInteger)
  return pids.filter((pid) => isServerProcess(pid, directory))
}

/** On Linux each of a server's processes works in its data directory, orphans included. So may somebody's shell. */
function isServerProcess(pid: number, directory: string): boolean {
  return workingDirectory(pid) === directory && isLivePostgres(pid)
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

/** By the kernel's name for what runs, fifteen characters at most: it is there also when the program's file is not. */
const POSTGRES = /^(postgres|\.postgres-wrapp)$/

function isLivePostgres(pid: number): boolean {
  try {
    const [, name = '', state = 'X'] = /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return POSTGRES.test(name) && !'ZX'.includes(state)
  } catch {
    return false
  }
}

function childPids(parent: number | undefined): number[] {
  if (parent === undefined) return []
  const rows = processTable('ppid')
  return [parent, ...rows.filter((row) => Number(row.rest) === parent).map((row) => row.pid)]
}

function processTable(column: string): { pid: number; rest: string }[] {
  const rows = execFileSync('ps', ['-A', '-o', `pid=,${column}=`], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }).split('\n')
  return rows.map((row) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(row)
    return { pid: Number(match?.[1]), rest: match?.[2] ?? '' }
  })
}
