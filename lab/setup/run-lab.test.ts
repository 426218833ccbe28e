/** What the command line is started with. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { runLab } from './run-lab.mjs'

const directory = mkdtempSync(path.join(tmpdir(), 'relais-test-'))
const said = path.join(directory, 'said')
const node = path.join(directory, 'node')
writeFileSync(node, `#!/bin/sh\nprintf %s "$NODE_COMPILE_CACHE" > '${said}'\n`, { mode: 0o755 })
afterEach(() => vi.unstubAllEnvs())
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('keeps what Node compiled, so that the next verb starts sooner', async () => {
  vi.stubEnv('NODE_COMPILE_CACHE', undefined)
  expect(await runLab(directory, node, ['status'])).toBe(0)
  expect(readFileSync(said, 'utf8')).toBe(path.join(directory, '.relais', 'compile-cache'))
})

test('leaves a compile cache that the user has chosen', async () => {
  vi.stubEnv('NODE_COMPILE_CACHE', '/elsewhere')
  expect(await runLab(directory, node, ['status'])).toBe(0)
  expect(readFileSync(said, 'utf8')).toBe('/elsewhere')
})
