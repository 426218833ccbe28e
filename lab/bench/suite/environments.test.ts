/** What a bench leaves of the directory that it had its clusters in. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Environments, type EnvironmentPlace } from './environments.ts'
import type { TestEnvironment } from './test-environment.ts'

const root = mkdtempSync(path.join(tmpdir(), 'relais-test-'))
const stateDirectory = path.join(root, 'bench')
afterEach(() => rmSync(root, { recursive: true, force: true }))

function clustersThatWereThere(): Environments<TestEnvironment> {
  const make = (): TestEnvironment => {
    throw new Error('expected nothing to be started')
  }
  const place: EnvironmentPlace<TestEnvironment> = { stateDirectory, portOffset: 0, breakIn: { chain: 0, databases: 0 }, make }
  const environments = new Environments(place)
  for (const slot of ['stage1-balanced', 'stage2-databases-3']) mkdirSync(path.join(stateDirectory, slot, 'stage1'), { recursive: true })
  return environments
}

test('removes its clusters from a directory that has something else in it, and nothing more', () => {
  const environments = clustersThatWereThere()
  writeFileSync(path.join(stateDirectory, 'notes.txt'), 'mine')
  environments.removeFiles()
  expect(readdirSync(stateDirectory)).toEqual(['notes.txt'])
})

test('removes the directory that it made when nothing else is in it', () => {
  clustersThatWereThere().removeFiles()
  expect(existsSync(stateDirectory)).toBe(false)
})
