/** A directory that root can enter and Nginx's workers cannot. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { refuseClosedCacheDirectory, workerUserOf } from './nginx-workers.ts'

test('the workers are who Nginx was built with, or nobody', () => {
  expect(workerUserOf('configure arguments: --prefix=/etc/nginx --user=nginx --group=nginx --with-threads')).toBe('nginx')
  expect(workerUserOf("configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx")).toBe('nobody')
})

test('below a directory that only root may enter nothing is kept, and the message names who cannot enter', ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root has workers of another user')
  const home = mkdtempSync(path.join(tmpdir(), 'relais-workers-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const directory = path.join(home, 'temp')
  mkdirSync(directory, { mode: 0o755 })
  expect(() => refuseClosedCacheDirectory(directory)).toThrow(/Nginx's workers, user \w[\w-]*, cannot enter .*\/temp\.\n.*RELAIS_STATE_DIR/)
  chmodSync(home, 0o755)
  expect(() => refuseClosedCacheDirectory(directory)).not.toThrow()
})
