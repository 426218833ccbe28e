/** The pages beside the lessons: a translation that lost something is found by what it lost. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { proofreadPages } from '../walk/proofread-pages.ts'

const ORIGINAL = `# Map

See [lesson](01-a.md), [words](../GLOSSARY.md), [in French](fr/README.md).

\`\`\`sh
npm run lab -- walk        # the first one
\`\`\`

- one

  \`\`\`sh
  npm run lab -- walk 1
  \`\`\`

| a | b |
|---|---|
| 1 | 2 |

<details><summary>Why?</summary>

Because.

</details>
`
const TRANSLATION = `# Carte

Voir les [mots](../../GLOSSARY.md), la [leçon](01-a.md). ([In English](../README.md))

\`\`\`sh
npm run lab -- walk --lang fr   # la première
\`\`\`

- un

  \`\`\`sh
  npm run lab -- walk 1 --lang fr
  \`\`\`

| a | b |
|---|---|
| 1 | 2 |

<details><summary>Pourquoi ?</summary>

Parce que.

</details>
`

let root: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'relais-pages-'))
  mkdirSync(path.join(root, 'docs/walkthrough/fr'), { recursive: true })
  write('README.md', ORIGINAL)
})
afterEach(() => rmSync(root, { recursive: true }))

function write(name: string, page: string): void {
  writeFileSync(path.join(root, 'docs/walkthrough', name), page)
}

test('a page and its translation agree when only the prose differs', () => {
  write('fr/README.md', TRANSLATION)
  write('FORMAT.md', 'for authors, in English only')
  expect(proofreadPages(root, 'fr')).toEqual([])
})

test.each([
  ['a heading', '# Carte\n', '', /headings: found nothing as number 1/],
  ['another command', 'walk --lang fr ', 'walks --lang fr ', /commands: found npm run lab -- walks as number 1/],
  ['another command in a list', 'walk 1', 'walk 2', /commands: found npm run lab -- walk 2/],
  ['an item', '- un\n', 'un\n', /list items/],
  ['a row', '| 1 | 2 |\n', '', /tables/],
  ['a column', '| 1 | 2 |\n', '| 1 |\n', /tables: found a row of 1/],
  ['a link', '[mots](../../GLOSSARY.md)', 'mots', /links: .*expected docs\/GLOSSARY\.md/],
  ['another link', '(01-a.md)', '(02-b.md)', /links: .*found .*02-b\.md/],
  ['an answer', '<details><summary>Pourquoi ?</summary>', '', /folded answers/],
])('a translation that lacks or changes %s is found', (_, from, to, message) => {
  expect(TRANSLATION).toContain(from)
  write('fr/README.md', TRANSLATION.replace(from, to))
  expect(proofreadPages(root, 'fr').join('\n')).toMatch(message)
})

test('a page that is not translated, and a translation of nothing, are found', () => {
  write('TEACHING.md', '# For teachers')
  write('fr/README.md', TRANSLATION)
  write('fr/OTHER.md', '# Autre')
  expect(proofreadPages(root, 'fr')).toEqual([
    'docs/walkthrough/fr/OTHER.md: translates nothing',
    'docs/walkthrough/fr/TEACHING.md: missing',
  ])
})
