import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lookUpProcess } from '../../runtime/process-table.ts'
import { StageDirectory } from '../../runtime/stage-directory.ts'
import { writeStageState, type InstanceRecord } from '../../runtime/stage-state.ts'
import { topologyOf } from '../../topology.ts'
import { nativeResources } from './native-resources.ts'

const BUSY = 'for (let t = process.cpuUsage(); process.cpuUsage(t).user < 1_000_000; ); console.log("done"); setInterval(() => {}, 1000)'
/** Started by another process: an instance is everything that its leader has forked. */
const FORKS = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(BUSY)}], { stdio: "inherit" })`

let directory: StageDirectory
let root: string
const children: ChildProcess[] = []

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'relais-resources-'))
  directory = new StageDirectory(root, 'stage1')
})
afterEach(() => {
  for (const { pid } of children.splice(0)) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

function start(script: string): ChildProcess {
  const child = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

function instance(name: string, child: ChildProcess): InstanceRecord {
  const identity = lookUpProcess(child.pid!)!
  const process = { name: 'service', command: '', args: [], cwd: '/', env: {}, stopSignal: 'SIGTERM', identity, asked: null } as const
  return { name, tier: 'frontend', role: null, url: 'http://127.0.0.1:1', logFile: '', cpuGroup: null, processes: [process] }
}

describe('the resources of native instances', () => {
  it('are those of each instance with what it has forked, between start and stop', async () => {
    const idle = start('setInterval(() => {}, 1000)')
    const busy = start(FORKS)
    const settings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null } as const
    writeStageState(directory.stateFile, {
      version: 1,
      runtime: 'native',
      run: 'r',
      phase: 'running',
      topology: topologyOf('stage1'),
      settings,
      instances: [instance('frontend1', idle), instance('frontend2', busy)],
    })
    const meter = nativeResources(directory)
    await meter.start()
    await once(busy.stdout!, 'data')
    const uses = await meter.stop()
    expect(uses.map(({ name }) => name)).toEqual(['frontend1', 'frontend2'])
    expect(uses[1]!.cpuS).toBeGreaterThan(0.25)
    expect(uses[0]!.cpuS).toBeLessThan(uses[1]!.cpuS)
    expect(uses[0]!.memoryMiB).toBeGreaterThan(5)
  })

  it('cannot be measured of a stage that does not run', async () => {
    await expect(nativeResources(directory).start()).rejects.toThrow('it does not run')
  })
})
