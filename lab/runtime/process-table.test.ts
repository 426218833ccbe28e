/** A remembered process is found as long as it is the same one, and never taken for another that has its pid. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { findFamily, findProcess, lookUpProcess, parsePsLine, type ProcessEntry } from './process-table.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function startSleep(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true })
  children.push(child)
  return child as ChildProcess & { pid: number }
}

test('finds a running process again, and not after it has ended', async () => {
  const child = startSleep()
  const identity = lookUpProcess(child.pid)!
  expect(findProcess(identity)?.pid).toBe(child.pid)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(findProcess(identity)).toBeUndefined()
})

test('does not take a process that was given the same pid for the remembered one', () => {
  const { pid, startedAt } = lookUpProcess(startSleep().pid)!
  const remembered = { pid, startedAt: `${startedAt}0` }
  expect(findProcess(remembered)).toBeUndefined()
  expect(findFamily(remembered)).toEqual([])
})

test('sees that a process is paused', async () => {
  const child = startSleep()
  child.kill('SIGSTOP')
  await expect.poll(() => lookUpProcess(child.pid)?.isPaused).toBe(true)
  child.kill('SIGCONT')
  await expect.poll(() => lookUpProcess(child.pid)?.isPaused).toBe(false)
})

const entry = (pid: number, parent: number, group: number, session = group): ProcessEntry => ({
  pid,
  parent,
  group,
  session,
  startedAt: `b007:${pid}`,
  isPaused: false,
})

test('counts descendants to the family, also those that began a session of their own', () => {
  const table = [entry(10, 1, 10), entry(11, 10, 10), entry(12, 11, 12), entry(13, 1, 13)]
  expect(findFamily({ pid: 10, startedAt: 'b007:10' }, table).map(({ pid }) => pid)).toEqual([10, 11, 12])
})

test('finds the workers that a killed leader left behind', () => {
  const table = [entry(11, 1, 10), entry(12, 1, 10), entry(13, 1, 10, 9)]
  expect(findFamily({ pid: 10, startedAt: 'b007:10' }, table).map(({ pid }) => pid)).toEqual([11, 12])
})

test('takes nobody for left behind who was there before the leader, or is of another boot', () => {
  const table = [entry(11, 1, 10), { ...entry(12, 1, 10), startedAt: 'b008:12' }, { ...entry(14, 1, 10), startedAt: 'b007:9' }]
  expect(findFamily({ pid: 10, startedAt: 'b007:10' }, table).map(({ pid }) => pid)).toEqual([11])
  const late = (pid: number, startedAt: string): ProcessEntry => ({ ...entry(pid, 1, 10), session: undefined, startedAt })
  const printed = [late(11, 'Mon Nov 23 20:36:02 2026'), late(12, 'Mon Nov 23 20:36:00 2026')]
  expect(findFamily({ pid: 10, startedAt: 'Mon Nov 23 20:36:01 2026' }, printed).map(({ pid }) => pid)).toEqual([11])
})

test('reads what ps prints on other systems', () => {
  expect(parsePsLine('  501   1  501 S+   Mon Nov 23 20:36:01 2026 ')).toEqual([
    { pid: 501, parent: 1, group: 501, session: undefined, isPaused: false, startedAt: 'Mon Nov 23 20:36:01 2026' },
  ])
  expect(parsePsLine('  502   1  501 T    Mon Nov 23 20:36:01 2026')[0]?.isPaused).toBe(true)
  expect(parsePsLine('  503   1  501 Z    Mon Nov 23 20:36:01 2026')).toEqual([])
  expect(parsePsLine('')).toEqual([])
})
