/** The set-up asks only for what a verb needs, and knows the same stages as the lab. */
import { expect, test } from 'vitest'
import * as topology from '../topology.ts'
import { AVAILABLE_STAGES, programsFor } from './programs-for.mjs'

test('knows the same stages as the topology', () => {
  expect(AVAILABLE_STAGES).toEqual(topology.AVAILABLE_STAGES)
})

test.each([
  ['up', ['nginx']],
  ['up stage1 --detach', ['nginx']],
  ['up --single', []],
  ['up --help', []],
  ['status --json', []],
  ['down', []],
  ['', []],
])('needs for `%s`: %j', (line, programs) => {
  expect([...programsFor(line.split(' '))]).toEqual(programs)
})
