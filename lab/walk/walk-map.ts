/**
 * The map at the start of the walkthrough, made from the lessons' own heads: what each needs and how long it takes, and from the report's side, which lesson answers
 * which section.
 */
import path from 'node:path'
import type { Language, Lesson } from './lesson.ts'
import { isWithin, REPORT_SECTIONS, sectionsOf } from './report-sections.ts'

export const MAP_BEGIN = '<!-- map: made by `npm run lab -- walk --map` -->'
export const MAP_END = '<!-- end of the map -->'

const WORDS: Record<Language, { lessons: string; sections: string; together: (lessons: number, hours: string) => string }> = {
  en: {
    lessons: '| lesson | chapter of the report | stage | before it | minutes |',
    sections: '| chapter of the report | lessons |',
    together: (lessons, hours) => `${lessons} lessons, about ${hours} hours.`,
  },
  fr: {
    lessons: '| leçon | chapitre du rapport | étape | avant elle | minutes |',
    sections: '| chapitre du rapport | leçons |',
    together: (lessons, hours) => `${lessons} leçons, environ ${hours.replace('.', ',')} heures.`,
  },
}

export function mapOf(lessons: readonly Lesson[], language: Language): string {
  const words = WORDS[language]
  const rows = lessons.map((lesson) => {
    const { about } = lesson
    const before = about.prerequisites.join(', ') || '–'
    const stage = about.stage === 'none' ? '–' : about.stage
    return `| ${linkTo(lesson, `${lesson.number}. ${about.title}`)} | ${about.chapter} | ${stage} | ${before} | ${about.minutes} |`
  })
  const minutes = lessons.reduce((sum, { about }) => sum + about.minutes, 0)
  const together = words.together(lessons.length, String(Math.round(minutes / 30) / 2))
  const lessonTable = [words.lessons, '|---|---|---|---|---|', ...rows].join('\n')
  const sectionTable = [words.sections, '|---|---|', ...sectionRows(lessons, language)].join('\n')
  return [MAP_BEGIN, lessonTable, together, sectionTable, MAP_END].join('\n\n')
}

/** Only sections that a lesson answers: the others would be a promise. */
function sectionRows(lessons: readonly Lesson[], language: Language): string[] {
  return REPORT_SECTIONS.flatMap((section) => {
    const answering = lessons.filter(({ about }) => sectionsOf(about.chapter).some((one) => isWithin(one, section)))
    if (answering.length === 0) return []
    return [
      `| ${section.number} ${section.title[language]} | ${answering.map((lesson) => linkTo(lesson, String(lesson.number))).join(', ')} |`,
    ]
  })
}

function linkTo({ file }: Lesson, text: string): string {
  return `[${text}](${path.basename(file)})`
}

/** The page with its map made anew; `undefined` when it has no place for one. */
export function withMap(page: string, map: string): string | undefined {
  const from = page.indexOf(MAP_BEGIN)
  const to = page.indexOf(MAP_END)
  return from === -1 || to < from ? undefined : page.slice(0, from) + map + page.slice(to + MAP_END.length)
}
