/**
 * Starting and signalling the processes of one instance.
 *
 * Nobody is started without being on record: the shell that becomes the process waits at a gate until its pid has been written
 * down, and goes home if the lab dies before. Otherwise a lab that is killed between the two leaves a process that no `down` can find
 * (seen: one in ten, killed in mid-start on a busy machine).
 *
 * Each process is started detached, as the leader of its own process group and with its output in a file: it outlives the lab, a
 * Ctrl-C in the lab's terminal does not reach it, and a signal to the group reaches what it has forked (Nginx's workers).
 * Nothing here sends a signal to a pid whose process is not the one that was started.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog } from './log-files.ts'
import { findFamily, findProcess, listProcesses, lookUpProcess, type ProcessEntry } from './process-table.ts'
import type { InstanceRecord, ProcessRecord } from './stage-state.ts'

const POLL_MS = 10

/** `exec` keeps pid and start, so the shell's identity is the program's. */
const GATE = 'read -r go && exec "$0" "$@" </dev/null'

export interface GatedProcess {
  readonly child: ChildProcess
  /** Opens the gate; to be called once the record is on disk. */
  readonly letGo: () => void
}

/** Puts a process before its gate and its identity into the record. What cannot be executed ends with exit code 126 or 127. */
export function startProcess(record: ProcessRecord, logFile: string): GatedProcess {
  const log = openLog(logFile)
  const child = spawn('/bin/sh', ['-c', GATE, record.command, ...record.args], {
    cwd: record.cwd,
    env: { ...inheritedEnvironment(), ...record.env },
    detached: true,
    stdio: ['pipe', log, log],
  })
  closeSync(log)
  child.unref()
  // It may have ended already; its exit tells.
  child.stdin!.on('error', () => {})
  const entry = child.pid === undefined ? undefined : lookUpProcess(child.pid)
  record.identity = entry ? { pid: entry.pid, startedAt: entry.startedAt } : null
  record.asked = null
  return { child, letGo: () => child.stdin!.end('go\n') }
}

/**
 * What any program needs of the user's environment, and nothing that would change a service's behaviour. The last two are the way to the
 * user's systemd, which may hold a process to its share of CPU.
 */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'USER', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}

/** Everything of the instance that still runs, leaders and what they forked, oldest ancestors first. */
export function livingProcesses(records: readonly ProcessRecord[], table = listProcesses()): readonly ProcessEntry[] {
  return records.flatMap(({ identity }) => (identity ? findFamily(identity, table) : []))
}

/** The state of one process by its own leader: a group that lost its leader counts as ended. */
export function lifeOf(record: ProcessRecord): 'running' | 'paused' | 'stopped' | 'dead' {
  const entry = record.identity ? findProcess(record.identity) : undefined
  if (entry) return entry.isPaused ? 'paused' : 'running'
  return record.asked === 'stop' ? 'stopped' : 'dead'
}

/** The instance's state: the worst of its processes. */
export function instanceLife(instance: InstanceRecord): 'running' | 'paused' | 'stopped' | 'dead' {
  const lives = new Set(instance.processes.map(lifeOf))
  return (['dead', 'stopped', 'paused'] as const).find((life) => lives.has(life)) ?? 'running'
}

/** Signals the whole family. A process that ends in the meantime is no error. */
export function signalFamily(records: readonly ProcessRecord[], signal: NodeJS.Signals): number {
  const family = livingProcesses(records)
  for (const { pid } of family) send(pid, signal)
  return family.length
}

/** Asks each process to end, with its own signal and only its leader: what it has forked is its own business. */
export function askToEnd(records: readonly ProcessRecord[]): void {
  for (const record of records) {
    const leader = record.identity ? findProcess(record.identity) : undefined
    if (leader) send(leader.pid, record.stopSignal)
  }
}

/** True when nothing of it runs any more; false after `waitMsMax`. */
export async function waitUntilEnded(records: readonly ProcessRecord[], waitMsMax: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + waitMsMax
  while (livingProcesses(records).length > 0) {
    if (performance.now() > giveUpAtMs) return false
    await sleep(POLL_MS)
  }
  return true
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
