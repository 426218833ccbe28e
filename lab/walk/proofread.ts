/**
 * What can be found wrong with the lessons without running them: form, claims against the output on the page, a way to switch each effect off, links, and
 * whether a translation still is the same lesson.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { isAboutExit, type Kept } from './claim.ts'
import { stepsOf, type Lesson, type Part } from './lesson.ts'
import { neededBy } from './lesson-stages.ts'
import { isWithin, REPORT_SECTIONS, sectionsOf } from './report-sections.ts'
import { judgeStep } from './run-step.ts'

/** One line a finding. */
export function proofread(lesson: Lesson): string[] {
  return [
    ...headMistakes(lesson),
    ...settingsMistakes(lesson),
    ...exampleMistakes(lesson),
    ...claimsWithoutWithout(lesson),
    ...brokenLinks(lesson),
  ].map((finding) => `${lesson.file}: ${finding}`)
}

function headMistakes({ about, number }: Lesson): string[] {
  const unknown = sectionsOf(about.chapter).filter((section) => !REPORT_SECTIONS.some((one) => isWithin(section, one)))
  const later = about.prerequisites.filter((prerequisite) => prerequisite >= number)
  return [
    ...unknown.map((section) => `chapter: found ${section}, expected a section of the map (report-sections.ts)`),
    ...later.map((prerequisite) => `prerequisites: found ${prerequisite}, expected lessons before this one`),
  ]
}

function settingsMistakes(lesson: Lesson): string[] {
  try {
    neededBy(lesson)
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}

/** The exit code is not on the page, so claims about it are taken as they are. */
function exampleMistakes(lesson: Lesson): string[] {
  const kept: Kept = new Map()
  return stepsOf(lesson).flatMap((step) => {
    const aboutExit = new Set(
      step.expectations.flatMap(({ rules }) =>
        rules.filter((rule) => rule.kind !== 'keep' && isAboutExit(rule)).map(({ source }) => source),
      ),
    )
    const { broken } = judgeStep(step, { output: step.example, exit: 0, ended: null }, kept)
    return broken
      .filter(({ claim }) => !aboutExit.has(claim))
      .map(({ claim, found }) => `line ${step.line}: the output on the page does not satisfy "${claim}": found ${found}`)
  })
}

function claimsWithoutWithout(lesson: Lesson): string[] {
  return stepsOf(lesson).flatMap((step) =>
    step.expectations
      .filter(({ rules, without }) => without === null && rules.some(({ kind }) => kind !== 'keep'))
      .map(({ text }) => `line ${step.line}: nothing says how to switch off "${text}": a \`without\` is missing`),
  )
}

function brokenLinks({ file, sections }: Lesson): string[] {
  const texts = sections.flatMap(({ parts }) => parts.flatMap(markdownOf))
  const targets = texts.flatMap((text) =>
    [...text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target]) => target!),
  )
  const missing = targets.filter((target) => !/^[a-z]+:/.test(target) && !existsSync(path.join(REPOSITORY, path.dirname(file), target)))
  return missing.map((target) => `links to ${target}, which does not exist`)
}

function markdownOf(part: Part): string[] {
  if (part.kind === 'text') return [part.markdown]
  if (part.kind === 'folded') return [part.question, part.answer]
  if (part.kind === 'options') return part.options.map(({ text }) => text)
  return part.kind === 'step' ? part.step.expectations.map(({ text }) => text) : []
}

/** Where a translation is another lesson than the original. */
export function translationMistakes(original: Lesson, translation: Lesson): string[] {
  const { title: _, ...about } = original.about
  const { title: __, ...translatedAbout } = translation.about
  const pairs: [string, unknown, unknown][] = [
    ['front matter', about, translatedAbout],
    ['sections', original.sections.map(({ kind }) => kind), translation.sections.map(({ kind }) => kind)],
    ['commands and outputs', codeIn(original), codeIn(translation)],
    ['comments', original.comments, translation.comments],
    ['number of expectations, options and questions', countsIn(original), countsIn(translation)],
  ]
  return pairs
    .filter(([, one, other]) => !isDeepStrictEqual(one, other))
    .map(([what, one, other]) => `${translation.file}: ${what}: ${firstDifference(one, other)}`)
}

function codeIn(lesson: Lesson): string[] {
  return lesson.sections.flatMap(({ parts }) =>
    parts.flatMap((part) => {
      if (part.kind === 'code') return [part.text]
      return part.kind === 'step' ? [part.step.command, part.step.example] : []
    }),
  )
}

function countsIn(lesson: Lesson): Record<string, number>[] {
  const count = (parts: readonly Part[], kind: Part['kind']): number => parts.filter((part) => part.kind === kind).length
  return lesson.sections.map(({ parts }) => ({
    expectations: parts.reduce((sum, part) => sum + (part.kind === 'step' ? part.step.expectations.length : 0), 0),
    options: parts.reduce((sum, part) => sum + (part.kind === 'options' ? part.options.length : 0), 0),
    questions: count(parts, 'folded'),
  }))
}

function firstDifference(one: unknown, other: unknown): string {
  const [expected, found] = [one, other].map((value) =>
    Array.isArray(value) ? value.map((entry) => JSON.stringify(entry)) : [JSON.stringify(value)],
  )
  const at = expected!.findIndex((entry, index) => entry !== found![index])
  const index = at === -1 ? expected!.length : at
  return `found ${found![index] ?? 'nothing'}, expected ${expected![index] ?? 'nothing'} as in the original`
}
