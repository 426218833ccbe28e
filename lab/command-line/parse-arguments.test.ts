/** What is typed wrongly is exit code 2 and a message that names what would have been right. */
import { expect, test } from 'vitest'
import { Failure } from '../failure.ts'
import { closest } from './closest.ts'
import { integerWithin, numberWithin, oneOf, parseArguments, parseStages, parseTarget } from './parse-arguments.ts'

function failureOf(action: () => unknown): Failure {
  try {
    action()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('expected a failure')
}

/** Exit code 2, in two lines at most. */
const MISUSE = { exitCode: 2, message: expect.stringMatching(/^Failed to .+(\n.+)?$/) as string }

test('suggests the option that was meant', () => {
  const failure = failureOf(() => parseArguments('up', ['--detatch'], { detach: { type: 'boolean' } }, 1))
  expect(failure.message).toContain('unknown option --detatch, did you mean --detach?')
})

test('refuses a missing value and an extra operand', () => {
  expect(failureOf(() => parseArguments('up', ['--policy'], { policy: { type: 'string' } }, 1)).message).toContain('--policy')
  expect(failureOf(() => parseArguments('down', ['stage1', 'stage2'], {}, 1)).message).toContain('stage2, which is one operand too many')
})

test('lists the words when one is unknown', () => {
  const failure = failureOf(() => oneOf('--durability', 'qorum', ['async', 'quorum', 'all']))
  expect(failure.message).toBe('Failed to read --durability: found "qorum", did you mean quorum?\nIt is one of async, quorum, all.')
})

test('reads STAGE/NAME and STAGE/NAME/PROCESS', () => {
  expect(parseTarget('kill', 'stage1/db2')).toEqual({ stage: 'stage1', instance: 'db2', process: undefined })
  expect(parseTarget('kill', 'stage1/db-lb/nginx')).toEqual({ stage: 'stage1', instance: 'db-lb', process: 'nginx' })
})

test.each([undefined, 'db2', 'stage1', 'stage1/', '/db2', 'stage1/db4', 'stage3/db1', 'stage1/db1/a/b'])(
  'refuses the target %s',
  (text) => {
    expect(failureOf(() => parseTarget('kill', text))).toMatchObject(MISUSE)
  },
)

test('takes both stages when none is named', () => {
  expect(parseStages(undefined)).toEqual(['stage1', 'stage2'])
  expect(parseStages('both')).toEqual(['stage1', 'stage2'])
  expect(parseStages('stage2')).toEqual(['stage2'])
})

test.each(['', '0', '-1', '65536', '80.5', '0x50', 'eighty'])('refuses %j as a port', (text) => {
  expect(failureOf(() => integerWithin('the port', text, 1, 65_535))).toMatchObject(MISUSE)
})

test('takes the first and the last port that there is', () => {
  expect(['1', '65535'].map((text) => integerWithin('the port', text, 1, 65_535))).toEqual([1, 65_535])
})

test('reads a share of a core, and refuses what is none', () => {
  expect(numberWithin('--cpu-per-instance', '.25', 0.01, 64)).toBe(0.25)
  for (const text of ['0', '65', '1e1', '10%', 'NaN', ''])
    expect(failureOf(() => numberWithin('--cpu-per-instance', text, 0.01, 64))).toMatchObject(MISUSE)
})

test('finds the closest word only when it is near', () => {
  expect(closest('stauts', ['status', 'start'])).toBe('status')
  expect(closest('bench', ['status', 'start'])).toBeUndefined()
})
