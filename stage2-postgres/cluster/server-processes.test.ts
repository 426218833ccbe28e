import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ClusterNode } from './cluster.ts'
import { postmasterPid, serverPids } from './server-processes.ts'
import { endServer, signalServer } from './server.ts'

/** A node whose data directory is there, and nothing else. */
function makeNode(): ClusterNode {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'relais-processes-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const dataDir = join(directory, 'data')
  mkdirSync(dataDir)
  const cluster = {
    root: directory,
    socketDir: directory,
    secretsDir: directory,
    programs: { bindir: '', major: 0 },
    user: undefined,
    host: '127.0.0.1',
    nodes: [],
    settings: {},
  }
  return { name: 'db1', port: 1, role: 'primary', cluster, directory, dataDir }
}

/** A process in the data directory that is noted in the pid file. */
async function startIn(node: ClusterNode, program: string): Promise<ChildProcess> {
  const child = spawn(program, ['600'], { cwd: node.dataDir, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise((resolve) => void child.once('spawn', resolve))
  writeFileSync(join(node.dataDir, 'postmaster.pid'), `${child.pid}\n`)
  return child
}

const stateOf = (pid: number): string => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()

describe('a process in the data directory', () => {
  it('that is no PostgreSQL is nobody’s server: no signal reaches it', async () => {
    const node = makeNode()
    const child = await startIn(node, 'sleep')
    expect(postmasterPid(node)).toBeUndefined()
    expect(serverPids(node)).toEqual([])
    for (const signal of ['SIGSTOP', 'SIGKILL', 'SIGINT'] as const) signalServer(node, signal)
    await endServer(node)
    expect(stateOf(child.pid!)).not.toMatch(/^[TZ]/)
    expect([child.exitCode, child.signalCode]).toEqual([null, null])
  })

  it.runIf(process.platform === 'linux')('that is called postgres is', async () => {
    const node = makeNode()
    const program = join(node.directory, 'postgres')
    copyFileSync('/bin/sleep', program)
    const child = await startIn(node, program)
    await vi.waitFor(() => expect(postmasterPid(node)).toBe(child.pid))
    expect(serverPids(node)).toEqual([child.pid])
    signalServer(node, 'SIGKILL')
    await endServer(node)
    expect(serverPids(node)).toEqual([])
  })
})
