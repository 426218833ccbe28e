/**
 * The map at the start of the walkthrough: which lesson answers which chapter of the report, what it needs, how long it takes. Made from the lessons' own heads.
 */
import path from 'node:path'
import type { Language, Lesson } from './lesson.ts'

export const MAP_BEGIN = '<!-- map: made by `npm run lab -- walk --map` -->'
export const MAP_END = '<!-- end of the map -->'

const HEADS: Record<Language, string> = {
  en: '| lesson | chapter of the report | stage | before it | minutes |',
  fr: '| leçon | chapitre du rapport | étape | avant elle | minutes |',
}

export function mapOf(lessons: readonly Lesson[], language: Language): string {
  const rows = lessons.map(({ number, file, about }) => {
    const before = about.prerequisites.join(', ') || '–'
    const stage = about.stage === 'none' ? '–' : about.stage
    return `| [${number}. ${about.title}](${path.basename(file)}) | ${about.chapter} | ${stage} | ${before} | ${about.minutes} |`
  })
  return [MAP_BEGIN, '', HEADS[language], '|---|---|---|---|---|', ...rows, '', MAP_END].join('\n')
}

/** The page with its map made anew; `undefined` when it has no place for one. */
export function withMap(page: string, map: string): string | undefined {
  const from = page.indexOf(MAP_BEGIN)
  const to = page.indexOf(MAP_END)
  return from === -1 || to < from ? undefined : page.slice(0, from) + map + page.slice(to + MAP_END.length)
}
