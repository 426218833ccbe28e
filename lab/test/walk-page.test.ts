/** A lesson's page is read strictly: what would silently not be checked is a mistake with its line. */
import { describe, expect, test } from 'vitest'
import { proofread, translationMistakes } from '../walk/proofread.ts'
import { stepsOf } from '../walk/lesson.ts'
import { terminalText } from '../walk/terminal-text.ts'
import { mapOf, withMap, MAP_BEGIN, MAP_END } from '../walk/walk-map.ts'
import { lessonWith } from './support/lesson-page.ts'

describe('a page', () => {
  test('becomes sections, steps, claims and the ways to switch them off', () => {
    const lesson = lessonWith()
    expect(lesson).toMatchObject({
      number: 3,
      setUp: 'npm run lab -- up stage1 --detach',
      cleanUp: 'npm run lab -- start stage1/db2 || true',
    })
    expect(lesson.about).toMatchObject({ chapter: '4.1', fresh: false, leaves: 'as-found' })
    const [first, second] = stepsOf(lesson)
    expect(first).toMatchObject({ number: 1, command: 'echo "count 3"', repeatMs: 5_000, deadlineMs: 7_000, example: 'count 3' })
    expect(first!.expectations).toMatchObject([
      { text: 'Three of them.', without: 'echo "count 1"', rules: [{ kind: 'compares' }, { name: 'three' }] },
    ])
    expect(second).toMatchObject({ number: 2, repeatMs: 0, deadlineMs: 60_000, expectations: [{ without: 'echo "count 3"' }] })
  })

  test.each([
    ['a misspelt key', 'minutes: 10', 'minuts: 10', /front matter:.*minut/],
    ['a title unlike its heading', '# 3. A title', '# 3. Another', /line 10: expected the heading "# 3\. A title"/],
    ['a section that is unknown', '## In the wild', '## Elsewhere', /found the section "Elsewhere"/],
    ['sections out of order', '## Question\n', '## Questions\n', /found the sections questions, set-up/],
    [
      'another set-up than the front matter has',
      'up stage1 --detach',
      'up stage2 --detach',
      /expected "npm run lab -- up stage1 --detach"/,
    ],
    ['no taking down at the end', '\nnpm run lab -- down', '', /expected "npm run lab -- down" as the last line/],
    ['a command without output', '```text\ncount 6\n```\n', '', /found a command without its output/],
    ['a step that claims nothing', '<!-- check: first /count (\\d+)/ is 2 * three -->', '', /claims nothing/],
    ['a misspelt comment', '<!-- check: first /count (\\d+)/ is 3 -->', '<!-- chek: 3 is 3 -->', /found the comment "chek: 3 is 3"/],
    ['a claim in a paragraph', 'So it is.', 'So it is. <!-- check: 3 is 3 -->', /inside a paragraph/],
    ['a claim below "Reading it"', 'So it is.', '- So it is. <!-- check: 3 is 3 -->', /where it means nothing/],
    ['an answer that is no option', 'answer: B', 'answer: C', /names one of them/],
    ['a directive that says nothing', 'step: repeat for 5 s, deadline 7 s', 'step: soon', /expected "step: repeat for N s"/],
    ['code that nothing closes', '```text\ncount 3\n```', '```text\ncount 3', /.+/],
  ])('with %s is refused', (_, from, to, message) => {
    expect(() => lessonWith([[from, to]])).toThrow(message)
  })
})

describe('proofreading', () => {
  test('finds nothing in a page that is right', () => {
    expect(proofread(lessonWith())).toEqual([])
  })

  test('finds an output on the page that does not satisfy the claim', () => {
    expect(proofread(lessonWith([['```text\ncount 6', '```text\ncount 5']]))).toEqual([
      expect.stringContaining('does not satisfy "first /count (\\d+)/ is 2 * three": found 5 and 6'),
    ])
  })

  test('finds a claim whose effect nothing switches off', () => {
    expect(proofread(lessonWith([['<!-- without: echo "count 1" -->', '']]))).toEqual([expect.stringContaining('"Three of them."')])
  })

  test('finds a dead link and settings that `up` does not know', () => {
    expect(proofread(lessonWith([['Because.', 'See [it](../nowhere.md).']]))).toEqual([expect.stringContaining('../nowhere.md')])
    const settings = lessonWith([
      ['settings: ""', 'settings: "--polcy hash"'],
      ['--detach', '--detach --polcy hash'],
    ])
    expect(proofread(settings)).toEqual([expect.stringContaining('did you mean --policy?')])
  })

  test('finds a chapter that the report does not have, and a prerequisite that comes later', () => {
    expect(proofread(lessonWith([['chapter: 4.1', 'chapter: 4.1.1, 9.9']]))).toEqual([expect.stringContaining('found 9.9')])
    expect(proofread(lessonWith([['prerequisites: []', 'prerequisites: [2, 4]']]))).toEqual([expect.stringContaining('found 4')])
  })

  test.each([
    ['another command', 'echo "count 6"', 'echo "count 6";', /commands and outputs/],
    ['another claim', 'is 2 * three', 'is 2 + three', /comments: found .*2 \+ three/],
    ['an expectation less', '- **A.** this\n', '', /number of/],
    ['other minutes', 'minutes: 10', 'minutes: 15', /front matter/],
    ['a section less', '## Run it: once more', '## Prediction\n\n- **A.** a\n\n<!-- answer: A -->\n\n## Run it: once more', /sections/],
  ])('finds that a translation has %s', (_, from, to, message) => {
    expect(translationMistakes(lessonWith(), lessonWith())).toEqual([])
    expect(translationMistakes(lessonWith(), lessonWith([[from, to]])).join('\n')).toMatch(message)
  })
})

test('a map is made from the heads of the lessons, and the page around it stays', () => {
  const page = `before\n${MAP_BEGIN}\nold\n${MAP_END}\nafter`
  const made = withMap(page, mapOf([lessonWith()], 'en'))
  expect(made).toContain('| [3. A title](03-a-title.md) | 4.1 | stage1 | – | 10 |')
  expect(made).toContain('| 4.1 architecture of the system | [3](03-a-title.md) |')
  expect(made).not.toContain('| 4.3 ')
  expect(made).toMatch(/^before\n(.|\n)+\nafter$/)
  expect(made).not.toContain('old')
  expect(withMap('no place', mapOf([], 'en'))).toBeUndefined()
})

test('text for the terminal is wrapped, and links say where they lead', () => {
  expect(terminalText('[nginx/a.conf](../../nginx/a.conf), [b.conf](../../nginx/b.conf), [RFC](https://x.org/a)', 'docs/walkthrough')).toBe(
    'nginx/a.conf, nginx/b.conf, RFC (https://x.org/a)',
  )
  expect(terminalText('one two three\nfour [page](a.md)', '', 12)).toBe('one two\nthree four\npage (a.md)')
  expect(terminalText('- one two three four\n- five', '', 12)).toBe('• one two\n  three four\n• five')
})
