/** Steps and whole lessons without a cluster: what is repeated, what is told, which stage is kept, what a reader's leaving leaves. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import type { LocatedStage } from '../runtime/runtime.ts'
import { topologyOf, type StageName } from '../topology.ts'
import { askReader } from '../walk/ask-reader.ts'
import { checkLessons } from '../walk/check-lessons.ts'
import { LessonStages, neededBy } from '../walk/lesson-stages.ts'
import { stepsOf, type Lesson } from '../walk/lesson.ts'
import { readProgress, writeProgress, type Progress } from '../walk/progress-file.ts'
import { runStep } from '../walk/run-step.ts'
import { runWithouts } from '../walk/run-without.ts'
import { walkThrough } from '../walk/walk-session.ts'
import { echo, FakeShell, lessonWith, PAGE } from './support/lesson-page.ts'

/** Stages that exist in memory only: `up` in a fake shell starts them. */
class FakeLab {
  readonly running = new Map<StageName, LocatedStage>()
  isChanged = false
  readonly done: string[] = []
  readonly lines: string[] = []
  readonly shells: FakeShell[] = []
  readonly stages: LessonStages
  readonly #lessons: readonly Lesson[]
  readonly #answer: ConstructorParameters<typeof FakeShell>[0]

  constructor(lessons: readonly Lesson[], answer: ConstructorParameters<typeof FakeShell>[0] = echo, own: readonly StageName[] = []) {
    this.#lessons = lessons
    this.#answer = answer
    const locate = (stage: StageName): Promise<LocatedStage | null> => Promise.resolve(this.running.get(stage) ?? null)
    const stopStage = (stage: StageName): Promise<null> => {
      if (this.running.delete(stage)) this.done.push(`down ${stage}`)
      return Promise.resolve(null)
    }
    this.stages = new LessonStages(
      { locate, stopStage },
      () => this.newShell(),
      () => Promise.resolve(this.isChanged),
      own,
    )
  }

  newShell(): FakeShell {
    const shell = new FakeShell((command, times) => {
      if (command.startsWith('npm run lab -- ')) this.done.push(command.slice('npm run lab -- '.length))
      const started = this.#lessons.find(({ setUp }) => setUp === command)
      if (started) this.start(started)
      return this.#answer!(command, times)
    })
    this.shells.push(shell)
    return shell
  }

  start(lesson: Lesson): void {
    const { topologies, settings } = neededBy(lesson)!
    for (const topology of topologies)
      this.running.set(topology.stage, { stage: topology.stage, topology, settings, phase: 'running', runtime: 'native', instances: [] })
  }

  async check(withWithouts = false): Promise<number[]> {
    const broken = await checkLessons(this.#lessons, {
      stages: this.stages,
      newShell: () => this.newShell(),
      print: (line = '') => this.lines.push(line),
      withWithouts,
    })
    return broken.map(({ number }) => number)
  }
}

const UP = 'up stage1 --detach'
const CLEAN = 'start stage1/db2 || true'
const [REPEATED, PLAIN] = stepsOf(lessonWith())

describe('a step', () => {
  test('is repeated, where the page says so, until its claims hold', async () => {
    const shell = new FakeShell((_, times) => ({ output: `count ${times}` }))
    const kept = new Map<string, string | number>()
    expect((await runStep(REPEATED!, shell, kept)).broken).toEqual([])
    expect(shell.commands.length).toBe(3)
    expect(kept.get('three')).toBe(3)
  })

  test('is run once where the page does not say so, and tells claim and finding', async () => {
    const shell = new FakeShell(() => ({ output: 'count 5' }))
    const { broken } = await runStep(PLAIN!, shell, new Map([['three', 3]]))
    expect(shell.commands.length).toBe(1)
    expect(broken).toEqual([{ claim: 'first /count (\\d+)/ is 2 * three', found: '5 and 6' }])
  })

  test('does not hold when its command fails, or is ended, whatever it printed', async () => {
    const kept = new Map([['three', 3]])
    const failing = await runStep(PLAIN!, new FakeShell(() => ({ output: 'count 6', exit: 2 })), kept)
    expect(failing.broken).toEqual([{ claim: 'exit is 0', found: 'exit 2' }])
    const ended = await runStep(PLAIN!, new FakeShell(() => ({ output: 'count 6', ended: 'deadline' })), kept)
    expect(ended.broken).toMatchObject([{ found: 'it was ended: deadline' }])
  })
})

describe('the check of the check', () => {
  const kept = new Map([['three', 3]])

  test('is content when the claim fails without its cause', async () => {
    expect(await runWithouts(PLAIN!, new FakeShell(), kept)).toEqual([])
  })

  test.each([
    ['holds all the same', { output: 'count 6' }, 'it holds (6 and 6) without its cause'],
    ['compares a value that is not printed', { output: 'nothing of the kind' }, 'no value to compare'],
    ['is judged on a command that fails', { output: 'count 3', exit: 1 }, 'expected a command that works'],
    ['is judged on a command that prints nothing', { output: ' ' }, 'expected a command that works'],
  ])('finds a claim that %s', async (_, outcome, found) => {
    expect(await runWithouts(PLAIN!, new FakeShell(() => outcome), kept)).toMatchObject([
      { found: expect.stringContaining(found) as string },
    ])
  })
})

describe('unattended', () => {
  test('keeps the stage for the next lesson that needs the same, and takes it down behind the last', async () => {
    const lab = new FakeLab([lessonWith([], 1), lessonWith([], 2)])
    expect(await lab.check(true)).toEqual([])
    expect(lab.done).toEqual([UP, CLEAN, CLEAN, 'down stage1'])
    expect(lab.lines.join('\n')).toMatch(/1\. A title: 2 claims hold.*stage started\n.*2\. A title.*stage kept/)
  })

  test.each([
    [
      'has other settings',
      [
        ['settings: ""', 'settings: "--policy hash"'],
        [UP, `${UP} --policy hash`],
      ],
      `${UP} --policy hash`,
    ],
    ['needs a fresh one', [['settings: ""', 'settings: ""\nfresh: true']], UP],
  ] as const)('starts another stage for a lesson that %s', async (_, replaced, second) => {
    const lab = new FakeLab([lessonWith([], 1), lessonWith(replaced, 2)])
    expect(await lab.check()).toEqual([])
    expect(lab.done).toEqual([UP, CLEAN, 'down stage1', second, CLEAN, 'down stage1'])
  })

  test('gives nobody the stage of a lesson that changed it for good, or that failed', async () => {
    const changed = new FakeLab([lessonWith([['settings: ""', 'settings: ""\nleaves: changed']], 1), lessonWith([], 2)])
    expect(await changed.check()).toEqual([])
    const expected = [UP, CLEAN, 'down stage1', UP, CLEAN, 'down stage1']
    expect(changed.done).toEqual(expected)
    let isFirst = true
    const broken = new FakeLab([lessonWith([], 1), lessonWith([], 2)], (command) => {
      const isWrong = isFirst && command === 'echo "count 6"'
      if (isWrong) isFirst = false
      return isWrong ? { output: 'count 7' } : echo(command)
    })
    expect(await broken.check()).toEqual([1])
    expect(broken.done).toEqual(expected)
    const told = broken.lines.join('\n')
    expect(told).toContain(`lesson 1, step 2 (docs/walkthrough/01-a-title.md:${PAGE.split('\n').indexOf('echo "count 6"')})`)
    expect(told).toContain('claim: first /count (\\d+)/ is 2 * three')
    expect(told).toContain('found: 7 and 6')
    expect(told).toContain('      count 7')
  })

  test('fails, and touches nothing, where somebody else runs a stage with other settings', async () => {
    const other = lessonWith([
      ['settings: ""', 'settings: "--policy hash"'],
      [UP, `${UP} --policy hash`],
    ])
    const lab = new FakeLab([lessonWith()])
    lab.start(other)
    expect(await lab.check()).toEqual([3])
    expect(lab.done).toEqual([])
    expect(lab.lines.join('\n')).toContain('stage1 runs already')
  })

  test.each([
    ['on other ports', (one: LocatedStage): LocatedStage => ({ ...one, topology: topologyOf(one.stage, { portOffset: 1_000 }) })],
    ['on containers', (one: LocatedStage): LocatedStage => ({ ...one, runtime: 'compose' })],
  ])('takes no stage that somebody runs %s for its own', async (_, change) => {
    const lesson = lessonWith()
    const lab = new FakeLab([lesson])
    lab.start(lesson)
    lab.running.set('stage1', change(lab.running.get('stage1')!))
    expect(await lab.stages.inTheWay(lesson)).toEqual(['stage1'])
  })

  test('takes no stage whose policy, cache or faults somebody has changed since its start', async () => {
    const lesson = lessonWith()
    const lab = new FakeLab([lesson])
    lab.start(lesson)
    expect(await lab.stages.inTheWay(lesson)).toEqual([])
    lab.isChanged = true
    expect(await lab.stages.inTheWay(lesson)).toEqual(['stage1'])
  })

  test('uses a stage that somebody runs as the lesson needs it, and leaves it running', async () => {
    const lab = new FakeLab([lessonWith()])
    lab.start(lessonWith())
    expect(await lab.check()).toEqual([])
    expect(lab.done).toEqual([CLEAN])
    expect(lab.running.has('stage1')).toBe(true)
  })
})

describe('a reader', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'relais-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  /** Types the lines, then ends the input; `stopAt` is the command at which Ctrl-C is pressed. */
  async function walk(lab: FakeLab, lessons: readonly Lesson[], typed: readonly string[], section = 0, stop = new AbortController()) {
    const input = new PassThrough()
    input.end(typed.map((line) => `${line}\n`).join(''))
    const saved: Partial<Progress>[] = []
    const reader = askReader(input, new PassThrough(), () => stop.abort(), stop.signal)
    const broken = await walkThrough(lessons, section, {
      stages: lab.stages,
      newShell: () => lab.newShell(),
      ask: reader.ask,
      print: (line = '') => lab.lines.push(line),
      signal: stop.signal,
      save: (change) => saved.push(change),
      numberAfter: ({ number }) => (number < 3 ? number + 1 : null),
    })
    reader.close()
    const progress = saved.reduce((all, change) => ({ ...all, ...change }), {})
    return { broken, progress, text: lab.lines.join('\n') }
  }

  const ENTER = ['', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '']

  test('goes through a lesson: predicts, runs, is told whether they were right, and finds all taken down', async () => {
    const lesson = lessonWith()
    const lab = new FakeLab([lesson])
    const { broken, progress, text } = await walk(lab, [lesson], ['', '', 'a', ...ENTER])
    expect(broken).toBe(0)
    expect(text).toMatch(/You said A; it was B/)
    expect(text).toMatch(/count 3(.|\n)*✓ Three of them\.(.|\n)*✓ Twice as many\.(.|\n)*Because\./)
    expect(lab.done).toEqual([UP, CLEAN, 'down stage1'])
    expect(progress).toMatchObject({ lesson: null, section: 0, started: [] })
  })

  test('sees which claim does not hold, and goes on', async () => {
    const lesson = lessonWith()
    const lab = new FakeLab([lesson], (command) => (command === 'echo "count 6"' ? { output: 'count 5' } : echo(command)))
    const { broken, text } = await walk(lab, [lesson], ENTER)
    expect(broken).toBe(1)
    expect(text).toMatch(/✗ Twice as many\.(.|\n)*5 and 6(.|\n)*Because\./)
  })

  test('who leaves comes back to the same section, where earlier steps are run again unseen', async () => {
    const lesson = lessonWith()
    const first = new FakeLab([lesson])
    // Question, set up, prediction, the step's command, after it, then out at "Reading it", section 4.
    const left = await walk(first, [lesson], ['', '', 'B', '', '', 'q'])
    expect(left.progress).toMatchObject({ lesson: 3, section: 4, started: [] })
    expect(first.done).toEqual([UP, CLEAN, 'down stage1'])

    const second = new FakeLab([lesson])
    const { broken, text } = await walk(second, [lesson], ENTER, 4)
    expect(broken).toBe(0)
    expect(text).not.toContain('Three of them.')
    expect(text).toMatch(/Running the step before(.|\n)*Reading it(.|\n)*✓ Twice as many\./)
  })

  test('who presses Ctrl-C in the middle of a step leaves nothing behind', async () => {
    const lesson = lessonWith()
    const stop = new AbortController()
    const lab = new FakeLab([lesson], (command) => {
      if (command !== 'echo "count 3"') return echo(command)
      stop.abort()
      return { output: '', ended: 'stopped', exit: 1 }
    })
    const { progress } = await walk(lab, [lesson], ENTER, 0, stop)
    expect(lab.done).toEqual([UP, CLEAN, 'down stage1'])
    expect(lab.shells.every(({ isClosed }) => isClosed)).toBe(true)
    expect(progress).toMatchObject({ lesson: 3, section: 3, started: [] })
  })

  test('is asked before a stage of theirs is taken down', async () => {
    const lesson = lessonWith()
    const other = lessonWith([
      ['settings: ""', 'settings: "--policy hash"'],
      [UP, `${UP} --policy hash`],
    ])
    const refused = new FakeLab([lesson])
    refused.start(other)
    await expect(walk(refused, [lesson], ['n'])).rejects.toThrow('stage1 runs already')
    expect(refused.running.has('stage1')).toBe(true)
    const allowed = new FakeLab([lesson])
    allowed.start(other)
    expect(await walk(allowed, [lesson], ['y', ...ENTER])).toMatchObject({ broken: 0 })
    expect(allowed.done).toEqual(['down stage1', UP, CLEAN, 'down stage1'])
  })

  test('whose walk was killed finds its stage taken as the walk’s own', async () => {
    const lesson = lessonWith()
    const lab = new FakeLab([lesson], echo, ['stage1'])
    lab.start(lesson)
    expect(await walk(lab, [lesson], ENTER)).toMatchObject({ broken: 0 })
    expect(lab.done).toEqual([CLEAN, 'down stage1'])
  })

  test('finds the place in a file, and begins anew when it is not to be read', () => {
    const progress: Progress = { language: 'fr', lesson: 4, section: 2, started: ['stage2'] }
    writeProgress(directory, progress)
    expect(readProgress(directory)).toEqual(progress)
    writeFileSync(path.join(directory, 'walk.json'), '{"lesson": "four"}')
    expect(readProgress(directory)).toMatchObject({ language: 'en', lesson: 1, section: 0, started: [] })
  })
})
