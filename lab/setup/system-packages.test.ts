/** What a person is told to type, where we cannot install: programs that only play the package manager and sudo. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { installPackage } from './system-packages.mjs'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-packages-'))
  vi.stubEnv('PATH', directory)
  vi.spyOn(process, 'getuid').mockReturnValue(1_000)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true, force: true })
})

function play(program: string, exit = 0): void {
  writeFileSync(path.join(directory, program), `#!/bin/sh\nexit ${exit}\n`, { mode: 0o755 })
}

const note = (name: string): string =>
  `(That starts and enables a service. If nothing else needs it, as root: systemctl disable --now ${name})`

test('without sudo, the advice is for root, and says what the package starts and how to end it', async () => {
  play('apt-get')
  expect(await installPackage('Nginx', { 'apt-get': 'nginx' })).toBe(
    `As root, run: apt-get update && apt-get install -y nginx ${note('nginx')}`,
  )
})

test('where sudo fails, the advice is the same by sudo', async () => {
  play('apt-get')
  play('sudo', 1)
  expect(await installPackage('PostgreSQL', { 'apt-get': 'postgresql' })).toBe(
    `Run: sudo sh -c 'apt-get update && apt-get install -y postgresql' ${note('postgresql')}`,
  )
})

test('a package without a service is only installed', async () => {
  play('apt-get')
  expect(await installPackage('Chromium', { 'apt-get': 'chromium' })).toBe('As root, run: apt-get update && apt-get install -y chromium')
})
