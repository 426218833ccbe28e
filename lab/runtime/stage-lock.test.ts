/** One lab at a time, and a lab that was killed does not lock everybody out. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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

test('waits bounded for a living holder, then names it', async () => {
  const { pid, startedAt } = lookUpProcess(process.ppid)!
  writeFileSync(file, JSON.stringify({ pid, startedAt }))
  await expect(withStageLock(file, () => Promise.resolve(), { waitMsMax: 60 })).rejects.toThrow(`another lab (pid ${pid})`)
})
