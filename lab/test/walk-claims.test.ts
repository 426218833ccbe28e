/** A claim holds on what it says and on nothing else; one that cannot be judged does not hold. */
import { describe, expect, test } from 'vitest'
import { judge, keepFrom, parseClaim, parseKeep, type Kept } from '../walk/claim.ts'

const OUTPUT = 'x-served-by: frontend1, db2\nx-served-by: frontend2, db2\np99 12.5 ms\np99 40 ms\nname "db2"'

function holds(source: string, exit = 0, kept: Kept = new Map()): boolean {
  return judge(parseClaim(source), { output: OUTPUT, exit }, kept).holds
}

describe('a claim', () => {
  test.each([
    'output matches /^p99 40 ms$/',
    'output matches /X-SERVED/i',
    'output lacks /db1/',
    'count /db\\d/ is 3',
    'count /nothing/ is 0',
    'distinct /frontend\\d/ is 2',
    'first /p99 ([\\d.]+)/ less than last /p99 ([\\d.]+)/',
    'last /(\\d+)/ is 2',
    'max /p99 ([\\d.]+)/ - 12.5 is 27.5',
    'sum /p99 ([\\d.]+)/ is 52.5',
    'max /p99 ([\\d.]+)/ at least 3 * min /p99 ([\\d.]+)/',
    'first /name "(.*)"/ is "db2"',
    'first /db(\\d)/ + 1 is 3',
    '40 ÷ 4 at most 10',
    'count /db\\d/ at most 4',
    'count /[/]|x/ is 2',
    'exit is 0',
    'exit is not 3',
  ])('holds: %s', (source) => {
    expect(holds(source)).toBe(true)
  })

  test.each([
    'output matches /db1/',
    'output lacks /db2/',
    'count /db\\d/ is 2',
    'distinct /db\\d/ more than 1',
    'max /p99 ([\\d.]+)/ less than 40',
    'min /p99 ([\\d.]+)/ more than 12.5',
    'first /name "(.*)"/ is "db3"',
    'max /p99 ([\\d.]+)/ at most 39',
    'exit is 1',
  ])('does not hold: %s', (source) => {
    expect(judge(parseClaim(source), { output: OUTPUT, exit: 0 }, new Map())).toMatchObject({ holds: false, isMissing: false })
  })

  test('on a value that is not there neither holds nor passes for a judgement', () => {
    for (const source of ['first /absent (\\d)/ is not 5', 'max /absent (\\d)/ less than 5', 'unkept is not 1', '1 is not unkept']) {
      expect(judge(parseClaim(source), { output: OUTPUT, exit: 0 }, new Map())).toMatchObject({ holds: false, isMissing: true })
    }
  })

  test('compares words with more and less never as true', () => {
    expect(holds('first /name "(.*)"/ more than 1')).toBe(false)
    expect(holds('sum /(frontend\\d)/ at least 0')).toBe(false)
  })

  test('reads what an earlier step kept', () => {
    const kept: Kept = new Map([['fast', 4]])
    expect(holds('last /p99 ([\\d.]+)/ at least 10 * fast', 0, kept)).toBe(true)
    expect(holds('last /p99 ([\\d.]+)/ at least 11 * fast', 0, kept)).toBe(false)
    const keep = parseKeep('slow = last /p99 ([\\d.]+)/')
    expect([keep.name, keepFrom(keep, { output: OUTPUT, exit: 0 }, kept)]).toEqual(['slow', 40])
  })

  test.each([
    ['output has /x/', 'expected matches, lacks'],
    ['count /x is 3', 'expected a word, a number'],
    ['count 3 is 3', 'expected /REGEX/'],
    ['3 is', 'expected a value'],
    ['3 is 3 4', 'expected the end'],
    ['output lacks /x/ 3', 'expected the end'],
    ['3 equals 3', 'expected is not, is'],
    ['', 'expected a value'],
  ])('that is written wrongly is refused: %s', (source, message) => {
    expect(() => parseClaim(source)).toThrow(message)
  })
})
