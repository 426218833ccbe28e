/** What a bench ran on: a figure without its machine and versions is no figure. */
import { execFile } from 'node:child_process'
import { cpus, release, totalmem, type as systemType } from 'node:os'
import { promisify } from 'node:util'
import { locatePrograms } from '@relais/stage2-postgres/cluster/programs.ts'
import path from 'node:path'
import { REPOSITORY } from '../../runtime/stage-directory.ts'
import { findNginx } from '../../setup/nginx-program.mjs'
import type { Machine } from '../results/bench-record.ts'

/** The sentence for `Machine.cpuLimit` where nobody asked for shares. */
export const NOT_HELD = 'CPU is not limited: the instances share the cores.'

const UNKNOWN = 'unknown'
const ASK_MS_MAX = 5_000

/** Never rejects: what cannot be found out is "unknown". */
export async function describeMachine(cpuLimit: string): Promise<Machine> {
  const [nginx, postgres, relais] = await Promise.all([nginxVersion(), postgresVersion(), commit()])
  const processors = cpus()
  return {
    cpuModel: processors[0]?.model.trim() || UNKNOWN,
    cores: processors.length,
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    kernel: `${systemType()} ${release()}`,
    versions: { node: process.versions.node, nginx, postgres, relais },
    cpuLimit,
  }
}

async function nginxVersion(): Promise<string> {
  const nginx = findNginx()
  // It says so on standard error: "nginx version: nginx/1.22.1".
  return nginx === undefined ? UNKNOWN : said(nginx, ['-v'], /nginx\/([\d.]+)/)
}

async function postgresVersion(): Promise<string> {
  const programs = await locatePrograms({}).catch(() => undefined)
  return programs ? said(path.join(programs.bindir, 'postgres'), ['--version'], /([\d.]+)/) : UNKNOWN
}

function commit(): Promise<string> {
  return said('git', ['-C', REPOSITORY, 'rev-parse', '--short', 'HEAD'], /([0-9a-f]+)/)
}

async function said(command: string, args: readonly string[], pattern: RegExp): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...args], { timeout: ASK_MS_MAX })
    return pattern.exec(stdout + stderr)?.[1] ?? UNKNOWN
  } catch {
    return UNKNOWN
  }
}
