/** The set-up asks only for what a verb needs. */
import { expect, test } from 'vitest'
import { programsFor } from './programs-for.mjs'

test.each([
  ['up', ['nginx', 'postgres']],
  ['up both --detach', ['nginx', 'postgres']],
  ['up stage1 --detach', ['nginx']],
  ['up stage2 --single', ['postgres']],
  ['up --single', ['postgres']],
  ['up stage1 --single', []],
  ['up both --runtime compose', []],
  ['up stage2 --runtime=compose', []],
  ['up --help', []],
  ['walk', ['nginx', 'postgres']],
  ['walk 3 --lang fr', ['nginx', 'postgres']],
  ['walk 1,10 --check', ['nginx', 'postgres']],
  ['walk --proofread', []],
  ['walk --map', []],
  ['walk --pictures', []],
  ['walk --help', []],
  ['bench --quick', ['nginx', 'postgres']],
  ['bench --stage stage1', ['nginx']],
  ['bench --stage=stage1 --stage=stage2', ['nginx', 'postgres']],
  ['bench --quick --runtime compose', []],
  ['bench -h', []],
  ['status --json', []],
  ['down', []],
  ['', []],
])('needs for `%s`: %j', (line, programs) => {
  expect([...programsFor(line.split(' '))]).toEqual(programs)
})
