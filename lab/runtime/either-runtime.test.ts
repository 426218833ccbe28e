/** A stage that runs nowhere, and an engine that does not say: a `docker` of our own in PATH answers what the test wants. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { EitherRuntime } from './either-runtime.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'relais-test-'))
afterEach(() => vi.unstubAllEnvs())
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function dockerThatSays(words: string): EitherRuntime {
  writeFileSync(path.join(directory, 'docker'), `#!/bin/sh\necho '${words}' >&2\nexit 1\n`, { mode: 0o755 })
  vi.stubEnv('PATH', `${directory}:${process.env['PATH']}`)
  return new EitherRuntime(directory)
}

test.each([
  'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.',
  'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running',
  'context "elsewhere": context not found: open meta.json: no such file or directory',
  'The command docker could not be found in this WSL 2 distro.',
])('finds nothing to stop where there is no engine: %s', async (words) => {
  const runtime = dockerThatSays(words)
  expect(await runtime.stopStage('stage1')).toBe(null)
  expect(await runtime.locate('stage1')).toBe(null)
})

test.each([
  'Error response from daemon: context deadline exceeded',
  'request returned 500 Internal Server Error for API route and version http://docker/v1.47/containers/json',
  'error during connect: Get http://docker/v1.47/containers/json: EOF',
])('does not say that a stage is down when the engine did not answer: %s', async (words) => {
  const runtime = dockerThatSays(words)
  await expect(runtime.stopStage('stage1')).rejects.toThrow(words)
  await expect(runtime.locate('stage1')).rejects.toThrow(words)
})
