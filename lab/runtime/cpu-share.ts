/**
 * Holding an instance to a fixed share of CPU, so that three instances are three machines on any host.
 *
 * Without it three instances share the host's cores, and "three against one" measures the host. Three ways, tried in
 * this order, each by making a group and putting a process into it, because what a kernel offers and what a host permits are two things:
 *
 *   cgroup v1   a directory below the `cpu` hierarchy, cpu.cfs_quota_us
 *   cgroup v2   a directory of our own where the `cpu` controller reaches, cpu.max
 *   systemd     `systemd-run --scope -p CPUQuota=`, for users without rights on the tree
 *
 * Where none works (macOS, most containers) the instances run unlimited and the lab says so.
 * Sources: kernel.org, admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst; systemd.resource-control(5).
 */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inheritedEnvironment } from './instance-processes.ts'

export interface CpuShares {
  /** False: nothing is limited, and `description` says why. */
  readonly isHeld: boolean
  /** One sentence for the output and for every report. */
  readonly description: string
  /** The group's directory for an instance; `null` where groups have none. Creates nothing. */
  groupFor(name: string): string | null
  /** The command that runs `command` under the limit, for where this is done by starting it so. */
  wrap(command: string, args: readonly string[]): { command: string; args: readonly string[] }
}

/**
 * A short period makes a small share look like a slow machine and not like one that is away for 90 ms at a time (the
 * kernel's default period is 100 ms). Held exactly at 20 ms (measured 0.100 for 0.1). A quota is at least 1 ms.
 */
const PERIOD_US = 20_000
const QUOTA_US_MIN = 1_000
const REMOVE_MS_MAX = 2_000
const SYSTEMD_RUN = 'systemd-run'

export function bandwidthOf(cores: number): { periodUs: number; quotaUs: number } {
  const quotaUs = Math.round(PERIOD_US * cores)
  if (quotaUs >= QUOTA_US_MIN) return { periodUs: PERIOD_US, quotaUs }
  return { periodUs: Math.round(QUOTA_US_MIN / cores), quotaUs: QUOTA_US_MIN }
}

/** Finds a way that works here, by trying it. */
export function findCpuShares(cores: number): CpuShares {
  const share = `each instance is held to ${cores} of a core`
  for (const parent of parentGroups()) {
    if (canHold(parent.directory, cores)) return inGroups(parent.directory, `${share} (cgroup ${parent.version}).`)
  }
  const scope = findSystemdScope(cores)
  if (scope) return { isHeld: true, description: `${share} (systemd scope).`, groupFor: () => null, wrap: scope }
  return {
    isHeld: false,
    description: `CPU is NOT limited: this host has no cgroup that we may write (${reasonOfHost()}); the instances share its cores.`,
    groupFor: () => null,
    wrap: (command, args) => ({ command, args }),
  }
}

/** Makes the group if it is missing, sets its limit and puts the process into it. What it forks from now on is in it too. */
export function holdProcess(group: string, cores: number, pid: number): void {
  makeGroup(group, cores)
  writeFileSync(path.join(group, 'cgroup.procs'), String(pid))
}

/** Removes an empty group; waits, bounded, for what is just ending in it. True when it is gone. */
export async function removeGroup(group: string): Promise<boolean> {
  const giveUpAtMs = performance.now() + REMOVE_MS_MAX
  for (;;) {
    if (tryRemove(group)) return true
    if (performance.now() > giveUpAtMs) return false
    await sleep(10)
  }
}

function inGroups(parent: string, description: string): CpuShares {
  return {
    isHeld: true,
    description,
    groupFor: (name) => path.join(parent, name),
    wrap: (command, args) => ({ command, args }),
  }
}

interface ParentGroup {
  readonly directory: string
  readonly version: 'v1' | 'v2'
}

/** Where a group of ours could be made: below our own first, then each ancestor up to the root of the tree. */
function parentGroups(): ParentGroup[] {
  if (process.platform !== 'linux') return []
  const own = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map(parseMount)
  const ownPath = (isOurs: (controllers: readonly string[]) => boolean): string => {
    const row = own.map((line) => line.split(':')).find(([, controllers]) => isOurs(controllers!.split(',')))
    return row?.slice(2).join(':') ?? '/'
  }
  return mounts.flatMap(({ type, directory, options }): ParentGroup[] => {
    if (type === 'cgroup' && options.includes('cpu')) {
      return ancestorsOf(
        directory,
        ownPath((controllers) => controllers.includes('cpu')),
      ).map((each) => ({ directory: each, version: 'v1' }))
    }
    if (type !== 'cgroup2') return []
    // A process may not live beside groups that share out CPU, so below our own group there is no room in v2.
    const ancestors = ancestorsOf(
      directory,
      ownPath((controllers) => controllers.length === 1 && controllers[0] === ''),
    )
    return ancestors.filter((each, index) => index > 0 || each === directory).map((each) => ({ directory: each, version: 'v2' }))
  })
}

/** A line of mountinfo: "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755". */
function parseMount(line: string): { type: string; directory: string; options: readonly string[] } {
  const [left = '', right = ''] = line.split(' - ')
  const [type = '', , options = ''] = right.split(' ')
  return { type, directory: left.split(' ')[4] ?? '', options: options.split(',') }
}

function ancestorsOf(mount: string, ownPath: string): string[] {
  const directories: string[] = []
  for (let each = path.join(mount, ownPath); each.startsWith(mount); each = path.dirname(each)) {
    if (existsSync(each)) directories.push(each)
    if (each === mount) break
  }
  return directories.length > 0 ? directories : [mount]
}

function canHold(parent: string, cores: number): boolean {
  const group = path.join(parent, `relais-probe-${process.pid}`)
  const child = spawn('sleep', ['5'], { stdio: 'ignore' })
  child.once('error', () => {})
  try {
    if (child.pid === undefined) return false
    holdProcess(group, cores, child.pid)
    return readFileSync(path.join(group, 'cgroup.procs'), 'utf8').split('\n').includes(String(child.pid))
  } catch {
    return false
  } finally {
    child.kill('SIGKILL')
    child.unref()
    void removeGroup(group)
  }
}

function makeGroup(group: string, cores: number): void {
  const { periodUs, quotaUs } = bandwidthOf(cores)
  const parent = path.dirname(group)
  const isUnified = existsSync(path.join(parent, 'cgroup.controllers'))
  if (isUnified) passOnCpu(parent)
  mkdirSync(group, { recursive: true })
  if (isUnified) {
    writeFileSync(path.join(group, 'cpu.max'), `${quotaUs} ${periodUs}`)
    return
  }
  // The quota must never exceed what the period before allows: lift it, then set both.
  writeFileSync(path.join(group, 'cpu.cfs_quota_us'), '-1')
  writeFileSync(path.join(group, 'cpu.cfs_period_us'), String(periodUs))
  writeFileSync(path.join(group, 'cpu.cfs_quota_us'), String(quotaUs))
}

/** A v2 group has a `cpu.max` only if its parent passes the controller on. */
function passOnCpu(parent: string): void {
  const file = path.join(parent, 'cgroup.subtree_control')
  if (!readFileSync(file, 'utf8').split(/\s+/).includes('cpu')) writeFileSync(file, '+cpu')
}

function tryRemove(group: string): boolean {
  try {
    rmdirSync(group)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

/** A scope runs the command in place of `systemd-run` itself: same pid, same environment, and gone with its last process. */
function findSystemdScope(cores: number): CpuShares['wrap'] | undefined {
  if (!existsSync('/run/systemd/system')) return undefined
  const { periodUs, quotaUs } = bandwidthOf(cores)
  const isRoot = process.getuid?.() === 0
  const scope = [
    ...(isRoot ? [] : ['--user']),
    '--scope',
    '--collect',
    '--quiet',
    '-p',
    `CPUQuota=${(cores * 100).toFixed(2)}%`,
    '-p',
    `CPUQuotaPeriodSec=${periodUs}us`,
    '--',
  ]
  const probe = spawnSync(SYSTEMD_RUN, [...scope, 'sh', '-c', 'cat "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup | tail -1)/cpu.max"'], {
    encoding: 'utf8',
    timeout: 5_000,
    // What is tried must be what is used.
    env: inheritedEnvironment(),
  })
  if (probe.stdout?.trim() !== `${quotaUs} ${periodUs}`) return undefined
  return (command, args) => ({ command: SYSTEMD_RUN, args: [...scope, command, ...args] })
}

function reasonOfHost(): string {
  if (process.platform !== 'linux') return `${process.platform} has none`
  try {
    accessSync('/sys/fs/cgroup')
  } catch {
    return '/sys/fs/cgroup is not mounted'
  }
  return process.getuid?.() === 0
    ? 'it is read-only, or the cpu controller is not passed on to us'
    : 'not as this user, and systemd grants none'
}
