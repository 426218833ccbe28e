/**
 * The operating system's process table: who runs, since when, and who belongs to whom.
 *
 * A pid alone names nobody: it is given to another process sooner or later, and a signal sent to a remembered pid can end
 * somebody else's editor. So a process is remembered as pid and start, and before every signal the two are compared.
 * On Linux the start is in clock ticks since boot, with the boot's id in front (after a reboot both repeat); elsewhere
 * it is what `ps` prints, to the second.
 * Source: proc_pid_stat(5).
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; equal for the same process only. */
  readonly startedAt: string
}

export interface ProcessEntry extends ProcessIdentity {
  readonly parent: number
  readonly group: number
  /** `undefined` where `ps` does not tell. */
  readonly session: number | undefined
  readonly isPaused: boolean
}

/** The process that now has this pid; `undefined` when none does, or when it has ended and only waits to be reaped. */
export function lookUpProcess(pid: number): ProcessEntry | undefined {
  return process.platform === 'linux' ? readLinux(pid) : readPortably(['-p', String(pid)])[0]
}

/** The same process as remembered, or `undefined`: it has ended, whoever may have its pid now. */
export function findProcess(identity: ProcessIdentity): ProcessEntry | undefined {
  const entry = lookUpProcess(identity.pid)
  return entry?.startedAt === identity.startedAt ? entry : undefined
}

/**
 * The processes of a remembered leader: itself, its descendants and whoever is left in its process group. An Nginx
 * whose master was killed leaves workers that hold the port: they are found here by the group, whose number the kernel
 * does not give away while it has members.
 */
export function findFamily(leader: ProcessIdentity, table: readonly ProcessEntry[] = listProcesses()): readonly ProcessEntry[] {
  const holder = table.find(({ pid }) => pid === leader.pid)
  if (holder && holder.startedAt !== leader.startedAt) return []
  const members = new Set([leader.pid])
  let sizeBefore
  do {
    sizeBefore = members.size
    for (const entry of table) {
      if (isInGroupOf(leader, entry) || members.has(entry.parent)) members.add(entry.pid)
    }
  } while (members.size > sizeBefore)
  return table.filter(({ pid }) => members.has(pid))
}

/**
 * A leader of ours began a session of its own, which a group of the same number by accident would not. After a reboot even a session may
 * have that number, without its own leader: whoever is of another boot, or older than our leader, is somebody else's.
 */
function isInGroupOf(leader: ProcessIdentity, { group, session, startedAt }: ProcessEntry): boolean {
  return group === leader.pid && (session ?? leader.pid) === leader.pid && !isOfBefore(startedAt, leader.startedAt)
}

/** Of another boot, or an earlier start. */
function isOfBefore(startedAt: string, other: string): boolean {
  const [mine, theirs] = [LINUX_START.exec(startedAt), LINUX_START.exec(other)]
  if (mine && theirs) return mine[1] !== theirs[1] || Number(mine[2]) < Number(theirs[2])
  return Date.parse(startedAt) < Date.parse(other)
}

/** Boot and clock ticks, as in `readLinux`. */
const LINUX_START = /^([0-9a-f-]+):(\d+)$/

export function listProcesses(): readonly ProcessEntry[] {
  if (process.platform !== 'linux') return readPortably(['-A'])
  const entries: ProcessEntry[] = []
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? readLinux(Number(name)) : undefined
    if (entry) entries.push(entry)
  }
  return entries
}

/** The fields behind the name in parentheses, which itself may hold spaces and parentheses. */
const STAT = { state: 0, parent: 1, group: 2, session: 3, startTicks: 19 }

function readLinux(pid: number): ProcessEntry | undefined {
  let text
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[STAT.state]!
  if (state === 'Z' || state === 'X') return undefined
  return {
    pid,
    startedAt: `${bootId()}:${fields[STAT.startTicks]}`,
    parent: Number(fields[STAT.parent]),
    group: Number(fields[STAT.group]),
    session: Number(fields[STAT.session]),
    isPaused: state === 'T',
  }
}

let knownBootId: string | undefined

function bootId(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)
  return knownBootId
}

function readPortably(selection: readonly string[]): ProcessEntry[] {
  let output
  try {
    output = execFileSync('ps', [...selection, '-o', 'pid=,ppid=,pgid=,state=,lstart='], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return []
  }
  return output.split('\n').flatMap(parsePsLine)
}

/** One line of `ps -o pid=,ppid=,pgid=,state=,lstart=`. */
export function parsePsLine(line: string): ProcessEntry[] {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S.*?)\s*$/.exec(line)
  if (!match || match[4]!.startsWith('Z')) return []
  const [, pid, parent, group, state, startedAt] = match as unknown as [string, string, string, string, string, string]
  return [
    { pid: Number(pid), parent: Number(parent), group: Number(group), session: undefined, isPaused: state.startsWith('T'), startedAt },
  ]
}
