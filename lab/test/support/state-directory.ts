/** A state directory of a test's own, but with everybody's compile cache: without one each process compiles itself anew and writes it all down. */
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stateDirectory } from '../../runtime/stage-directory.ts'

export const COMPILE_CACHE = path.join(stateDirectory(), 'compile-cache')

export function makeStateDirectory(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'relais-test-'))
  mkdirSync(COMPILE_CACHE, { recursive: true })
  symlinkSync(COMPILE_CACHE, path.join(made, 'compile-cache'))
  return made
}
