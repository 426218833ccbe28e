/**
 * Lessons with a reader, one after the other: the stage before, the lesson, the cleaning up after, and where they left off.
 *
 * Whatever ends it (the last lesson, `q`, Ctrl-C, a failure) goes through the same door: the lesson's clean-up, then the stages that the walk started.
 */
import { paint } from '../command-line/paint.ts'
import { misused } from '../failure.ts'
import type { Lesson } from './lesson.ts'
import type { LessonStages } from './lesson-stages.ts'
import type { Shell } from './lesson-shell.ts'
import type { Progress } from './progress-file.ts'
import { readAloud, type Ask } from './read-aloud.ts'
import { WORDS } from './words.ts'

export interface SessionOptions {
  readonly stages: LessonStages
  readonly newShell: () => Shell
  readonly ask: Ask | null
  readonly print: (line?: string) => void
  readonly signal: AbortSignal
  readonly save: (change: Partial<Progress>) => void
  /** The number of the lesson behind this one; `null` behind the last. */
  readonly numberAfter: (lesson: Lesson) => number | null
}

/** Begins at `section` of the first lesson. Resolves to how many claims did not hold. */
export async function walkThrough(lessons: readonly Lesson[], section: number, options: SessionOptions): Promise<number> {
  const { stages, print, save } = options
  let broken = 0
  try {
    for (const [index, lesson] of lessons.entries()) {
      const words = WORDS[lesson.language]
      if (index > 0 && options.ask && (await options.ask(words.another(lesson.about.title))) === null) return broken
      const walked = await walkLesson(lesson, index === 0 ? section : 0, options)
      broken += walked.broken
      if (walked.end === 'left') {
        print(`\n${words.left}`)
        return broken
      }
      save({ lesson: options.numberAfter(lesson), section: 0 })
      if (options.numberAfter(lesson) === null) print(words.finished)
    }
    return broken
  } finally {
    await stages.takeDownOwn()
    save({ started: [] })
  }
}

async function walkLesson(lesson: Lesson, section: number, options: SessionOptions): ReturnType<typeof readAloud> {
  const { stages, newShell, print, signal, save, ask } = options
  const { number, about, language, setUp } = lesson
  print(paint.strong(`\n${number}. ${about.title}`) + paint.faint(`  (${about.minutes} min)`))
  save({ language, lesson: number, section })
  await makeRoom(lesson, options)
  if (setUp !== null) print(paint.faint(WORDS[language].starting(setUp)))
  await stages.prepare(lesson, signal)
  save({ started: [...stages.own] })
  const shell = newShell()
  const cleanUp = async (): Promise<void> => {
    shell.close()
    if (setUp !== null) print(`\n${paint.faint(WORDS[language].cleaning)}`)
    await stages.cleanUpAfter(lesson)
  }
  let outcome
  try {
    outcome = await readAloud(lesson, section, { shell, ask, print, signal, reached: (index) => save({ section: index }) })
  } catch (error) {
    // What went wrong first is what the reader has to know.
    await cleanUp().catch((second: unknown) => print(String(second instanceof Error ? second.message : second)))
    throw error
  }
  await cleanUp()
  return outcome
}

/** A stage that somebody else started and that does not fit may be needed: its owner decides. */
async function makeRoom(lesson: Lesson, { stages, ask }: SessionOptions): Promise<void> {
  const names = await stages.inTheWay(lesson)
  if (names.length === 0) return
  const answer = ask ? await ask(WORDS[lesson.language].mayStop(names.join(', '))) : null
  if (answer?.trim().toLowerCase() === 'y') return stages.takeDown(names)
  throw misused(inTheWayText(lesson, names))
}

export function inTheWayText({ number, setUp }: Lesson, names: readonly string[]): string {
  return `Failed to set up lesson ${number}: ${names.join(', ')} runs already, and not as \`${setUp ?? ''}\` would start it.\nTake it down with \`npm run lab -- down\`.`
}
