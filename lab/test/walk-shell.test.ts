/** The shell of a lesson is a reader's terminal: one bash, at the root, whose variables live on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { lookUpProcess } from '../runtime/process-table.ts'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { addressesFor } from '../walk/addresses.ts'
import { LessonShell } from '../walk/lesson-shell.ts'

const DEADLINE_MS = 20_000
const directory = mkdtempSync(path.join(tmpdir(), 'relais-test-'))
const shell = new LessonShell(directory, addressesFor(directory, 100))
afterEach(() => shell.close())
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a lesson shell', () => {
  test('keeps variables, tells exit codes, and shows errors among the output', async () => {
    expect(await shell.run(`a='it is "3"'\npwd`, DEADLINE_MS)).toEqual({ output: REPOSITORY, exit: 0, ended: null })
    expect(await shell.run('echo "$a"; echo wrong >&2; false', DEADLINE_MS)).toEqual({ output: 'it is "3"\nwrong', exit: 1, ended: null })
  })

  test('gives steps no input, and a new shell after one that ended it', async () => {
    expect(await shell.run('cat; echo end', DEADLINE_MS)).toMatchObject({ output: 'end', exit: 0 })
    expect(await shell.run('echo bye; exit 7', DEADLINE_MS)).toMatchObject({ output: 'bye', exit: 7, ended: null })
    expect(await shell.run('echo again', DEADLINE_MS)).toMatchObject({ output: 'again', exit: 0 })
  })

  test('ends a step that takes too long, with everything that it started', async () => {
    const { output, ended } = await shell.run('sleep 600 & echo $!; wait', 500)
    expect(ended).toBe('deadline')
    await expect.poll(() => lookUpProcess(Number(output))).toBeUndefined()
  })

  test('ends a step when it is told to stop', async () => {
    const stop = new AbortController()
    const running = shell.run('sleep 600', DEADLINE_MS, stop.signal)
    stop.abort()
    expect(await running).toMatchObject({ ended: 'stopped' })
  })

  test('runs the lab without npm and its banner, also in a pipe', async () => {
    const { output, exit } = await shell.run('npm run lab -- status | cat', DEADLINE_MS)
    expect(output).toMatch(/^stage1 is stopped/)
    expect(exit).toBe(0)
  })

  test('moves ports and state into the other cluster, and what is printed back', () => {
    const addresses = addressesFor(directory, 100)
    const moved = addresses.moved('curl localhost:8080 127.0.0.1:18009 8080 localhost:1234 .relais/stage1/logs docs/.relais/x')
    expect(moved).toBe(`curl localhost:8180 127.0.0.1:18109 8080 localhost:1234 ${directory}/stage1/logs docs/.relais/x`)
    expect(addresses.asOnThePage(`http://127.0.0.1:18109/ in ${directory}/stage1`)).toBe('http://127.0.0.1:18009/ in .relais/stage1')
  })
})
