/** A fault is in force when the command that asks for it returns, as the instance itself says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InjectedFaults, type Faults } from '@relais/shared/http/injected-faults.ts'
import { listen, type RunningServer } from '@relais/shared/http/server.ts'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { testService } from '@relais/shared/test/test-service.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { injectFault, metricOf } from './injected-faults.ts'
import { StageDirectory } from './stage-directory.ts'

let root: string
let directory: StageDirectory
let faults: InjectedFaults
let server: RunningServer
let url: string
beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'relais-faults-'))
  directory = new StageDirectory(root, 'stage1')
  faults = new InjectedFaults(directory.faultsFile('db2'), SILENT_LOG)
  server = await listen(testService('db2', { faults }), '127.0.0.1', 0)
  url = `http://127.0.0.1:${server.port}`
})
afterEach(async () => {
  await server.close()
  faults.close()
  rmSync(root, { recursive: true, force: true })
})

test.each([
  ['answerDelayMs', 'relais_fault_answer_delay_seconds'],
  ['replicationDelayMs', 'relais_fault_replication_delay_seconds'],
] as const)('%s is asked for in milliseconds, waited for, and shown in seconds', async (fault: keyof Faults, metric) => {
  for (const [delayMs, seconds] of [
    [1, 0.001],
    [1_503, 1.503],
    [60_000, 60],
    [0, 0],
  ] as const) {
    await injectFault(directory, { name: 'db2', url }, fault, delayMs)
    expect(faults[fault]).toBe(delayMs)
    expect(await metricOf(url, metric)).toBe(seconds)
  }
})
