/**
 * The pages beside the lessons (the map, the page for teachers) in step with their translations, as far as a program can tell.
 *
 * Prose cannot be compared; what it hangs on can: headings, tables, lists, commands, and where the links lead. A paragraph that was added on one side only mostly
 * brings one of these along.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { folderOf, WALKTHROUGH } from './lesson-files.ts'
import type { Language } from './lesson.ts'

/** For those who write lessons; they are written in English first. */
const NOT_TRANSLATED = new Set(['FORMAT.md'])

/** One line a finding. `root` is that of the repository. */
export function proofreadPages(root: string, language: Language): string[] {
  const folder = folderOf(language)
  const pages = pagesIn(path.join(root, WALKTHROUGH)).filter((name) => !NOT_TRANSLATED.has(name))
  const orphans = pagesIn(path.join(root, folder)).filter((name) => !pages.includes(name))
  return [
    ...orphans.map((name) => `${folder}/${name}: translates nothing`),
    ...pages.flatMap((name) => {
      const translation = path.join(root, folder, name)
      if (!existsSync(translation)) return [`${folder}/${name}: missing`]
      const [original, translated] = [path.join(root, WALKTHROUGH, name), translation].map((file) => readFileSync(file, 'utf8'))
      const found = pageMistakes(skeletonOf(original!, WALKTHROUGH, name, language), skeletonOf(translated!, folder, name, language))
      return found.map((mistake) => `${folder}/${name}: ${mistake}`)
    }),
  ]
}

function pagesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^[A-Z]+\.md$/.test(name)) : []
}

/** What a translation leaves as it is. */
type Skeleton = Readonly<Record<'headings' | 'tables' | 'list items' | 'folded answers' | 'commands' | 'links', readonly string[]>>

function skeletonOf(page: string, folder: string, name: string, language: Language): Skeleton {
  const text = page.replaceAll(/<!--.*?-->/gs, '')
  const code = [...text.matchAll(/^ *```\w*\n(.*?)^ *```$/gms)].map(([, body]) => body!)
  const lines = text.replaceAll(/^ *```\w*\n.*?^ *```$/gms, '').split('\n')
  const kinds = (pattern: RegExp, kind: (match: RegExpExecArray) => string): string[] =>
    lines.flatMap((line) => {
      const match = pattern.exec(line)
      return match ? [kind(match)] : []
    })
  return {
    headings: kinds(/^(#+) /, ([, marks]) => marks!),
    tables: kinds(/^\|.*\|$/, ([row]) => `a row of ${row.split(/(?<!\\)\|/).length - 2}`),
    'list items': kinds(/^( *)(?:-|\d+\.) /, ([, indent]) => `depth ${indent!.length}`),
    'folded answers': kinds(/^<details>/, () => 'an answer'),
    commands: code.flatMap((body) => body.split('\n').map((line) => sameCommand(line, language))),
    links: linksIn(lines.join('\n'), folder, name),
  }
}

/** Without its indent. The comment behind a command is prose, and a translation may ask for its own language. */
function sameCommand(line: string, language: Language): string {
  return line
    .replace(/\s+#\s.*$/, '')
    .replace(` --lang ${language}`, '')
    .trim()
}

/** From the root, sorted: a sentence may name them in another order. The other language's page itself is none. */
function linksIn(text: string, folder: string, name: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  return targets
    .map((target) => (/^[a-z]+:/.test(target) ? target : path.posix.join(folder, target).replace(`${folder}/`, `${WALKTHROUGH}/`)))
    .map((target) => target.replace(/#.*$/, ''))
    .filter((target) => path.posix.basename(target) !== name || !target.startsWith(WALKTHROUGH))
    .toSorted()
}

function pageMistakes(original: Skeleton, translated: Skeleton): string[] {
  return (Object.keys(original) as (keyof Skeleton)[]).flatMap((what) => {
    const [expected, found] = [original[what], translated[what]]
    const at = Array.from({ length: Math.max(expected.length, found.length) }, (_, index) => index).find(
      (index) => expected[index] !== found[index],
    )
    if (at === undefined) return []
    return [`${what}: found ${found[at] ?? 'nothing'} as number ${at + 1}, expected ${expected[at] ?? 'nothing'} as in the original`]
  })
}
