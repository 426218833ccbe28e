/**
 * Every lesson without a reader: each step is run, each claim judged, each stage taken down.
 *
 * Nothing is asked and nothing is skipped: a lesson that fails is told with its step, claim and output, and the next one begins on a stage of its own.
 */
import { paint } from '../command-line/paint.ts'
import { Failure, misused } from '../failure.ts'
import type { Kept } from './claim.ts'
import { stepsOf, type Lesson, type Step } from './lesson.ts'
import type { LessonStages, Prepared } from './lesson-stages.ts'
import type { Shell } from './lesson-shell.ts'
import { runStep, type BrokenClaim } from './run-step.ts'
import { runWithouts } from './run-without.ts'
import { inTheWayText } from './walk-session.ts'

export interface CheckOptions {
  readonly stages: LessonStages
  readonly newShell: () => Shell
  readonly print: (line?: string) => void
  /** Also run what switches each claim's effect off. */
  readonly withWithouts: boolean
  readonly signal?: AbortSignal
}

const OUTPUT_LINES_SHOWN = 40

const STAGE_WORDS: Record<Prepared, string> = {
  none: 'no stage',
  started: 'stage started',
  kept: 'stage kept',
  found: 'stage found running',
}

/** Resolves to the lessons that failed; the stages that it started are down again. */
export async function checkLessons(lessons: readonly Lesson[], options: CheckOptions): Promise<readonly Lesson[]> {
  const broken: Lesson[] = []
  try {
    for (const lesson of lessons) {
      if (options.signal?.aborted) break
      if (!(await checkLesson(lesson, options))) broken.push(lesson)
    }
  } finally {
    await options.stages.takeDownOwn()
  }
  return broken
}

async function checkLesson(lesson: Lesson, options: CheckOptions): Promise<boolean> {
  const { stages, print, signal } = options
  const startedAtMs = performance.now()
  const name = `${lesson.number}. ${lesson.about.title}`
  try {
    const strangers = await stages.inTheWay(lesson)
    if (strangers.length > 0) throw misused(inTheWayText(lesson, strangers))
    const prepared = await stages.prepare(lesson, signal)
    const { claims, complaints } = await runLesson(lesson, options)
    // Before the cleaning up, which may fail for the same reason.
    if (complaints.length > 0) print([`${paint.bad('✗')} ${name}`, ...complaints].join('\n'))
    await stages.cleanUpAfter(lesson)
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1)
    if (complaints.length === 0) print(`${paint.good('✓')} ${name}: ${claims} claims hold, ${seconds} s, ${STAGE_WORDS[prepared]}`)
    else stages.distrust()
    return complaints.length === 0
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    stages.distrust()
    print(`${paint.bad('✗')} ${name}\n${error.message}`)
    return false
  }
}

/** A step that fails ends its lesson: what follows builds on it. */
async function runLesson(
  lesson: Lesson,
  { newShell, withWithouts, signal }: CheckOptions,
): Promise<{ claims: number; complaints: string[] }> {
  const shell = newShell()
  const kept: Kept = new Map()
  let claims = 0
  try {
    for (const step of stepsOf(lesson)) {
      const result = await runStep(step, shell, kept, signal)
      claims += result.claims
      if (result.broken.length > 0) return { claims, complaints: complaintsOf(lesson, step, result.broken, result.outcome.output) }
      const idle = withWithouts ? await runWithouts(step, shell, kept, signal) : []
      if (idle.length > 0) return { claims, complaints: complaintsOf(lesson, step, idle) }
    }
    return { claims, complaints: [] }
  } finally {
    shell.close()
  }
}

function complaintsOf(lesson: Lesson, step: Step, broken: readonly BrokenClaim[], output?: string): string[] {
  const head = `  lesson ${lesson.number}, step ${step.number} (${lesson.file}:${step.line})`
  const lines = broken.map(({ claim, found }) => `${head}\n    claim: ${claim}\n    found: ${found}`)
  if (output === undefined) return lines
  const shown = output.split('\n').slice(-OUTPUT_LINES_SHOWN)
  return [...lines, '    output:', ...shown.map((line) => `      ${line}`)]
}
