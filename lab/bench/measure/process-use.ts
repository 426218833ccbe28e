/**
 * What a family of processes has used: CPU seconds since each began, and the memory it holds now.
 *
 * CPU is the sum over the living and over what they have reaped, so the difference of two sums misses nothing that ended in between
 * under a parent of the family (a PostgreSQL backend, an Nginx worker). Memory counts private pages once a process and shared ones once
 * a program: the sum of resident sizes would count PostgreSQL's shared buffers as often as it has processes.
 * Sources: proc_pid_stat(5), proc_pid_status(5).
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface ProcessUse {
  readonly cpuS: number
  readonly memoryMiB: number
}

/** A process that has ended meanwhile counts nothing. */
export function useOf(pids: readonly number[]): ProcessUse {
  if (pids.length === 0) return { cpuS: 0, memoryMiB: 0 }
  return process.platform === 'linux' ? useOnLinux(pids) : parsePsUse(askPs(pids))
}

/** Ticks of `utime` and the like; Linux fixes it at 100 for what it tells programs. */
const TICKS_PER_SECOND = 100
/** Behind the name in parentheses: utime, stime, cutime, cstime. */
const CPU_FIELDS = [11, 12, 13, 14]
const KIB_PER_MIB = 1024

function useOnLinux(pids: readonly number[]): ProcessUse {
  let cpuS = 0
  let privateKiB = 0
  const sharedKiB = new Map<string, number>()
  for (const pid of pids) {
    const stat = readProc(pid, 'stat')
    const status = readProc(pid, 'status')
    if (stat === undefined || status === undefined) continue
    const use = parseLinuxUse(stat, status)
    cpuS += use.cpuS
    privateKiB += use.privateKiB
    sharedKiB.set(use.program, Math.max(use.sharedKiB, sharedKiB.get(use.program) ?? 0))
  }
  const allKiB = [...sharedKiB.values()].reduce((sum, each) => sum + each, privateKiB)
  return { cpuS, memoryMiB: allKiB / KIB_PER_MIB }
}

/** The texts of `/proc/PID/stat` and `/proc/PID/status`. */
export function parseLinuxUse(
  stat: string,
  status: string,
): { readonly program: string; readonly cpuS: number; readonly privateKiB: number; readonly sharedKiB: number } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = CPU_FIELDS.reduce((sum, field) => sum + Number(fields[field]), 0)
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  const program = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  return { program, cpuS: ticks / TICKS_PER_SECOND, privateKiB: kib('RssAnon'), sharedKiB: kib('RssFile') + kib('RssShmem') }
}

/** Lines of `ps -o time=,rss=`: "[[HH:]MM:]SS.ss" and KiB. */
export function parsePsUse(output: string): ProcessUse {
  let cpuS = 0
  let rssKiB = 0
  for (const [, time, rss] of output.matchAll(/^\s*([\d:.]+)\s+(\d+)\s*$/gm)) {
    cpuS += time!.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
    rssKiB += Number(rss)
  }
  return { cpuS, memoryMiB: rssKiB / KIB_PER_MIB }
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return undefined
  }
}

function askPs(pids: readonly number[]): string {
  try {
    return execFileSync('ps', ['-o', 'time=,rss=', '-p', pids.join(',')], {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    })
  } catch {
    return ''
  }
}
