/** A busy process is held to its share, where this host permits it, and the lab is honest where it does not. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, test, type TestContext } from 'vitest'
import { bandwidthOf, findCpuShares, holdProcess, removeGroup } from './cpu-share.ts'

test('keeps quota and period in what the kernel takes', () => {
  expect(bandwidthOf(0.1)).toEqual({ periodUs: 20_000, quotaUs: 2_000 })
  expect(bandwidthOf(2)).toEqual({ periodUs: 20_000, quotaUs: 40_000 })
  expect(bandwidthOf(0.01)).toEqual({ periodUs: 100_000, quotaUs: 1_000 })
})

const BUSY = `
  const startedAtMs = performance.now(), before = process.cpuUsage()
  while (performance.now() - startedAtMs < 1500);
  const { user, system } = process.cpuUsage(before)
  console.log((user + system) / 1000 / (performance.now() - startedAtMs))`

test('holds a busy process to a fifth of a core', async (context: TestContext) => {
  const shares = findCpuShares(0.2)
  if (!shares.isHeld) context.skip(shares.description)
  const { command, args } = shares.wrap(process.execPath, ['-e', BUSY])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const group = shares.groupFor(`relais-test-${process.pid}`)
  if (group) holdProcess(group, 0.2, child.pid!)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  await once(child, 'close')
  const used = Number(output)
  expect(used).toBeGreaterThan(0)
  // Without a limit it is 1, or a half where others are busy too; the start of the process may use up a first quota.
  expect(used).toBeLessThan(0.26)
  if (!group) return
  expect(await removeGroup(group)).toBe(true)
  expect(existsSync(group)).toBe(false)
})

test('removes a group that is not there without complaint', async () => {
  expect(await removeGroup('/sys/fs/cgroup/relais-never-made')).toBe(true)
})
