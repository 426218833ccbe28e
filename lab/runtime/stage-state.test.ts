/** The state on disk survives a round trip, and nonsense in it is refused instead of acted upon. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { topologyOf } from '../topology.ts'
import { readStageState, removeStageState, writeStageState, type StageState } from './stage-state.ts'

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-state-'))
  file = path.join(directory, 'stage1', 'state.json')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const STATE: StageState = {
  version: 1,
  runtime: 'native',
  run: 'run',
  phase: 'running',
  topology: topologyOf('stage1'),
  settings: { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null },
  instances: [],
}

test('reads back what was written, leaves no partial file, and is nobody else’s to read', () => {
  expect(readStageState(file)).toBeUndefined()
  writeStageState(file, STATE)
  expect(readStageState(file)).toEqual(STATE)
  expect(readdirSync(path.dirname(file))).toEqual(['state.json'])
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('is removed with what a lab that was killed while it wrote has left beside it, and nothing else', () => {
  writeStageState(file, STATE)
  for (const name of ['state.json.4711', 'state.json.kept', 'other.json']) writeFileSync(path.join(path.dirname(file), name), '{')
  removeStageState(file)
  expect(readdirSync(path.dirname(file)).toSorted()).toEqual(['other.json', 'state.json.kept'])
  removeStageState(path.join(directory, 'never made', 'state.json'))
})

test.each(['', '{', '[]', 'null', '{"version":2,"instances":[]}'])('refuses %j by naming the file', (text) => {
  writeStageState(file, STATE)
  writeFileSync(file, text)
  expect(() => readStageState(file)).toThrow(file)
})
