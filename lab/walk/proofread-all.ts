/**
 * Proofreads every lesson in every language, and the maps: what `walk --proofread` prints and a test holds to be empty.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Failure } from '../failure.ts'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { folderOf, lessonFiles, readLesson } from './lesson-files.ts'
import { LANGUAGES, type Language, type Lesson } from './lesson.ts'
import { proofreadPages } from './proofread-pages.ts'
import { proofread, translationMistakes } from './proofread.ts'
import { mapOf, withMap } from './walk-map.ts'

export interface Proofs {
  readonly lessons: number
  readonly findings: readonly string[]
}

export function proofreadAll(): Proofs {
  const findings: string[] = []
  const lessons = new Map(LANGUAGES.map((language) => [language, readAll(language, findings)]))
  const originals = lessons.get(LANGUAGES[0])!
  for (const [language, translated] of lessons) {
    findings.push(...translated.flatMap(proofread), ...mapMistakes(language, translated))
    if (language !== LANGUAGES[0]) findings.push(...compare(originals, translated, language), ...proofreadPages(REPOSITORY, language))
  }
  return { lessons: originals.length, findings }
}

/** Writes the map of each language that has a page for it. */
export function writeMaps(): string[] {
  return LANGUAGES.flatMap((language) => {
    const file = mapPage(language)
    if (!existsSync(path.join(REPOSITORY, file))) return []
    const lessons = lessonFiles(language).map((name) => readLesson(name, language))
    const page = withMap(readFileSync(path.join(REPOSITORY, file), 'utf8'), mapOf(lessons, language))
    if (page === undefined) return []
    writeFileSync(path.join(REPOSITORY, file), page)
    return [file]
  })
}

function mapPage(language: Language): string {
  return `${folderOf(language)}/README.md`
}

function readAll(language: Language, findings: string[]): Lesson[] {
  return lessonFiles(language).flatMap((file) => {
    try {
      return [readLesson(file, language)]
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      findings.push(error.message)
      return []
    }
  })
}

function compare(originals: readonly Lesson[], translated: readonly Lesson[], language: Language): string[] {
  const names = lessonFiles(LANGUAGES[0]).map((file) => path.basename(file))
  const translatedNames = lessonFiles(language).map((file) => path.basename(file))
  const missing = names.filter((name) => !translatedNames.includes(name)).map((name) => `${folderOf(language)}/${name}: missing`)
  const orphans = translatedNames.filter((name) => !names.includes(name)).map((name) => `${folderOf(language)}/${name}: translates nothing`)
  const mistakes = originals.flatMap((original) => {
    const translation = translated.find(({ number }) => number === original.number)
    return translation ? translationMistakes(original, translation) : []
  })
  return [...missing, ...orphans, ...mistakes]
}

function mapMistakes(language: Language, lessons: readonly Lesson[]): string[] {
  const file = mapPage(language)
  if (lessons.length === 0 || lessons.length < lessonFiles(language).length) return []
  if (!existsSync(path.join(REPOSITORY, file))) return [`${file}: missing, expected a page with the map of the lessons`]
  const page = readFileSync(path.join(REPOSITORY, file), 'utf8')
  return withMap(page, mapOf(lessons, language)) === page
    ? []
    : [`${file}: the map is not that of the lessons; write it with \`npm run lab -- walk --map\``]
}
