/** One lab at a time, and a lab that was killed does not lock everybody out. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lookUpProcess } from './process-table.ts'
import { withStageLock } from './stage-lock.ts'

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-lock-'))
  file = path.join(directory, 'lock')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('lets one in after the other', async () => {
  let inside = 0
  let most = 0
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await sleep(5)
    inside--
  }
  await Promise.all(Array.from({ length: 5 }, () => withStageLock(file, work)))
  expect(most).toBe(1)
  expect(readdirSync(directory)).toEqual([])
})

test('is released when the work fails', async () => {
  await expect(withStageLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await withStageLock(file, () => Promise.resolve('in'))).toBe('in')
})

test('takes over the lock of a process that is gone, even if another one has its pid now', async () => {
  writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: 'an earlier life' }))
  expect(await withStageLock(file, () => Promise.resolve('in'), { waitMsMax: 1_000 })).toBe('in')
})

test('lets one of several labs in after the other, also when they find a stale lock together', async () => {
  const gone = JSON.stringify({ pid: process.pid, startedAt: 'an earlier life' })
  writeFileSync(file, gone)
  writeFileSync(`${file}.takeover`, gone)
  const log = path.join(directory, 'log')
  const lab = `
    import { appendFileSync } from 'node:fs'
    import { withStageLock } from ${JSON.stringify(new URL('stage-lock.ts', import.meta.url).href)}
    for (let turn = 0; turn < 5; turn++) await withStageLock(${JSON.stringify(file)}, async () => {
      appendFileSync(${JSON.stringify(log)}, 'in ')
      await new Promise((resolve) => setTimeout(resolve, 5))
      appendFileSync(${JSON.stringify(log)}, 'out ')
    })`
  const run = promisify(execFile)
  await Promise.all(Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '-e', lab])))
  expect(readFileSync(log, 'utf8')).toBe('in out '.repeat(20))
  expect(readdirSync(directory)).toEqual(['log'])
})

test('waits bounded for a living holder, then names it', async () => {
  const { pid, startedAt } = lookUpProcess(process.ppid)!
  writeFileSync(file, JSON.stringify({ pid, startedAt }))
  await expect(withStageLock(file, () => Promise.resolve(), { waitMsMax: 60 })).rejects.toThrow(`another lab (pid ${pid})`)
})
