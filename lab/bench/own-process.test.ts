/** What is measured is what was started: nobody else may answer in its place, and nothing is left of it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { answers200, end, untilReady } from './own-process.ts'

const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL')
})

function run(script: string): ChildProcess {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  children.push(child)
  return child
}

describe('a process to be measured', () => {
  test('that ended is not ready, though somebody else answers in its place', async () => {
    const stranger = createServer((_, outgoing) => outgoing.end()).listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
    expect(await answers200(url)).toBe(true)
    const child = run('process.exit(3)')
    await once(child, 'exit')
    await expect(untilReady(new Map([['db1', child]]), () => answers200(url))).rejects.toThrow(
      'Failed to start db1: it ended, exit code 3.',
    )
    stranger.close()
  })

  test('is awaited until it answers', async () => {
    let asked = 0
    const child = run('setInterval(() => {}, 1_000)')
    await untilReady(new Map([['db1', child]]), () => Promise.resolve(++asked === 3))
    expect(asked).toBe(3)
  })

  test('is gone when it was ended, also when a signal had ended it before', async () => {
    const child = run('setInterval(() => {}, 1_000)')
    await end(child)
    await end(child)
    expect(child.signalCode).toBe('SIGTERM')
  })
})
