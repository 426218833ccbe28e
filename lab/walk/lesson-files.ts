/**
 * Which lessons there are: the numbered pages of `docs/walkthrough/`, and of a language below it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { failed, misused } from '../failure.ts'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { LANGUAGES, type Language, type Lesson } from './lesson.ts'
import { parseLesson } from './parse-lesson.ts'

export const WALKTHROUGH = 'docs/walkthrough'

/** Where the lessons of a language are, from the root of the repository. */
export function folderOf(language: Language): string {
  return language === LANGUAGES[0] ? WALKTHROUGH : `${WALKTHROUGH}/${language}`
}

/** In their order. */
export function lessonFiles(language: Language): string[] {
  const folder = path.join(REPOSITORY, folderOf(language))
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^\d\d-.*\.md$/.test(name))
    .toSorted()
    .map((name) => `${folderOf(language)}/${name}`)
}

/** Fails with the file and the line when the page is not as it has to be. */
export function readLesson(file: string, language: Language): Lesson {
  try {
    return parseLesson(readFileSync(path.join(REPOSITORY, file), 'utf8'), file, language)
  } catch (error) {
    throw failed(`Failed to read ${(error as Error).message}.`)
  }
}

/** "3", "1,4-6", or every lesson when there is no text. */
export function chosenLessons(text: string | undefined, language: Language): Lesson[] {
  const files = new Map(lessonFiles(language).map((file) => [Number(path.basename(file).slice(0, 2)), file]))
  if (files.size === 0) throw failed(`Failed to find the lessons: there is none in ${folderOf(language)}.`)
  const numbers = text === undefined ? [...files.keys()] : numbersIn(text)
  return numbers.map((number) => {
    const file = files.get(number)
    if (file) return readLesson(file, language)
    throw misused(`Failed to find lesson ${number}: the lessons are ${[...files.keys()].join(', ')}.\nThey are in ${folderOf(language)}.`)
  })
}

function numbersIn(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const match = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part)
    if (!match) throw misused(`Failed to read the lessons: found "${text}", expected numbers such as 3 or 1,4-6.`)
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    if (last < first) throw misused(`Failed to read the lessons: found "${part}", expected the lower number first.`)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
