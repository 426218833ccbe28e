/**
 * `walk`: the lessons of the walkthrough in the terminal, with a reader or, for the checks, without one.
 */
import type { Command, Context, Given } from '../command-line/command.ts'
import { paint } from '../command-line/paint.ts'
import { integerWithin, oneOf } from '../command-line/parse-arguments.ts'
import { misused } from '../failure.ts'
import { isChangedSinceStart } from '../runtime/changed-since-start.ts'
import { addressesFor } from '../walk/addresses.ts'
import { askReader } from '../walk/ask-reader.ts'
import { checkLessons } from '../walk/check-lessons.ts'
import { drawPictures } from '../walk/draw-pictures.ts'
import { chosenLessons } from '../walk/lesson-files.ts'
import { LessonShell, type Shell } from '../walk/lesson-shell.ts'
import { LessonStages } from '../walk/lesson-stages.ts'
import { LANGUAGES, type Language, type Lesson } from '../walk/lesson.ts'
import { proofreadAll, writeMaps } from '../walk/proofread-all.ts'
import { readProgress, writeProgress, type Progress } from '../walk/progress-file.ts'
import { walkThrough } from '../walk/walk-session.ts'

export const command: Command = {
  summary: 'The walkthrough: lessons that you read, predict and run, step by step.',
  operands: '[N]',
  options: {
    all: { type: 'boolean' },
    lang: { type: 'string' },
    check: { type: 'boolean' },
    without: { type: 'boolean' },
    proofread: { type: 'boolean' },
    map: { type: 'boolean' },
    pictures: { type: 'boolean' },
  },
  help: `  N                a lesson; with --check also several, such as 1,4-6. Without it: where you left off, or with --check, all
  --all            go through the lesson without asking anything
  --lang           ${LANGUAGES.join(' | ')} (default: as last time)
  --check          run unattended, and fail if an output is no longer what the lesson claims
  --without        with --check: also switch each effect off, and fail if a claim still holds
  --proofread      read every page without running it: form, examples, links, translations, map
  --map            write the map of the lessons to the walkthrough's first page
  --pictures       redraw the lessons' pictures`,
  async run(given, context) {
    const { values } = given
    if (values['without'] === true && values['check'] !== true) throw misused('--without belongs to --check. Give both.')
    if (values['proofread'] === true) return proofreadPages(context)
    if (values['map'] === true) return printEach(writeMaps(), context)
    if (values['pictures'] === true) return printEach(await drawPictures(), context)
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
    return values['check'] === true ? check(given, context, stop.signal) : read(given, context, stop)
  },
}

function proofreadPages({ print }: Context): number {
  const { lessons, findings } = proofreadAll()
  for (const finding of findings) print(`${paint.bad('✗')} ${finding}`)
  print(findings.length === 0 ? paint.good(`${lessons} lessons are in order.`) : `${findings.length} findings in ${lessons} lessons.`)
  return findings.length === 0 ? 0 : 1
}

function printEach(files: readonly string[], { print }: Context): number {
  for (const file of files) print(`wrote ${file}`)
  return 0
}

/** The offset that `up` will use, too. */
function shellsFor({ stateDirectory }: Context): () => Shell {
  const portOffset = integerWithin('RELAIS_PORT_OFFSET', process.env['RELAIS_PORT_OFFSET'] || '0', -7_000, 45_000)
  const addresses = addressesFor(stateDirectory, portOffset)
  return () => new LessonShell(stateDirectory, addresses)
}

function languageOf({ values }: Given, before: Language): Language {
  return values['lang'] === undefined ? before : oneOf('--lang', values['lang'] as string, LANGUAGES)
}

async function check(given: Given, context: Context, signal: AbortSignal): Promise<number> {
  const lessons = chosenLessons(given.operands[0], languageOf(given, 'en'))
  const newShell = shellsFor(context)
  const stages = new LessonStages(context.runtime, newShell, (stage) => isChangedSinceStart(context.stateDirectory, stage))
  const { print } = context
  const broken = await checkLessons(lessons, { stages, newShell, print, withWithouts: given.values['without'] === true, signal })
  if (signal.aborted) print(paint.bad('Stopped before the end.'))
  else if (broken.length === 0) print(paint.good(`${lessons.length} of ${lessons.length} lessons hold.`))
  else print(paint.bad(`${broken.length} of ${lessons.length} lessons do not hold: ${broken.map(({ number }) => number).join(', ')}.`))
  return broken.length === 0 && !signal.aborted ? 0 : 1
}

async function read(given: Given, context: Context, stop: AbortController): Promise<number> {
  const { print, stateDirectory, runtime } = context
  let progress = readProgress(stateDirectory)
  const language = languageOf(given, progress.language)
  const { lessons, section } = whereToBegin(given, progress, language)
  const all = chosenLessons(undefined, language)
  const newShell = shellsFor(context)
  const stages = new LessonStages(runtime, newShell, (stage) => isChangedSinceStart(stateDirectory, stage), progress.started)
  const reader = given.values['all'] === true ? null : askReader(process.stdin, process.stdout, () => stop.abort(), stop.signal)
  try {
    const broken = await walkThrough(lessons, section, {
      stages,
      newShell,
      ask: reader?.ask ?? null,
      print,
      signal: stop.signal,
      save: (change) => writeProgress(stateDirectory, (progress = { ...progress, ...change })),
      numberAfter: ({ number }) => all.find((lesson) => lesson.number > number)?.number ?? null,
    })
    return broken === 0 && !stop.signal.aborted ? 0 : 1
  } finally {
    reader?.close()
  }
}

/** A number begins that lesson; none goes on where the reader left. `--all` ends with the lesson that it was given. */
function whereToBegin({ operands, values }: Given, progress: Progress, language: Language): { lessons: Lesson[]; section: number } {
  const lessons = chosenLessons(undefined, language)
  if (operands[0] !== undefined) {
    const chosen = chosenLessons(operands[0], language)
    if (values['all'] === true || chosen.length > 1) return { lessons: chosen, section: 0 }
    return { lessons: lessons.filter(({ number }) => number >= chosen[0]!.number), section: 0 }
  }
  if (values['all'] === true || progress.lesson === null) return { lessons, section: 0 }
  return { lessons: lessons.filter(({ number }) => number >= progress.lesson!), section: progress.section }
}
