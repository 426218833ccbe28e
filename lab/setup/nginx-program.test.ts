/** An Nginx that is too old is known by its version, before it refuses our files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tooOldNginx } from './nginx-program.mjs'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-nginx-version-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test.each([
  ['nginx version: nginx/1.18.0 (Ubuntu)', '1.18.0'],
  ['nginx version: nginx/1.9.3', '1.9.3'],
  ['nginx version: nginx/0.8.55', '0.8.55'],
  ['nginx version: nginx/1.22.1', undefined],
  ['nginx version: nginx/1.30.0', undefined],
  ['nginx version: nginx/2.0.0', undefined],
  ['some other server', undefined],
])('%j is too old: %s', (said, version) => {
  const program = path.join(directory, `nginx-${said.replace(/[^0-9]/g, '') || 'other'}`)
  writeFileSync(program, `#!/bin/sh\necho '${said}' >&2\n`, { mode: 0o755 })
  expect(tooOldNginx(program)).toBe(version)
})
