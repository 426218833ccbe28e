/**
 * From a page of Markdown to its blocks: headings, fenced code, comments, lists, folded answers, and everything else as it stands.
 *
 * Lessons are written in a small part of Markdown (`docs/walkthrough/FORMAT.md`), and every mistake in them has to be told with its line: so blocks are read line by line
 * and keep their line. What is between them stays Markdown for `terminal-text.ts`.
 */
export type Block =
  | { readonly kind: 'heading'; readonly line: number; readonly level: number; readonly text: string }
  | { readonly kind: 'code'; readonly line: number; readonly language: string; readonly text: string }
  | { readonly kind: 'comment'; readonly line: number; readonly text: string }
  | { readonly kind: 'list'; readonly line: number; readonly markdown: string; readonly items: readonly Item[] }
  | { readonly kind: 'folded'; readonly line: number; readonly question: string; readonly answer: string }
  | { readonly kind: 'prose'; readonly line: number; readonly markdown: string }

export interface Item {
  readonly line: number
  /** Without its comments. */
  readonly text: string
  readonly comments: readonly string[]
}

/** A mistake on a page, with its line. */
export class PageError extends Error {
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`)
    this.name = 'PageError'
  }
}

export interface Page {
  readonly frontMatter: string
  readonly blocks: readonly Block[]
}

export function readBlocks(page: string): Page {
  const head = /^---\n(.*?)\n---\n/s.exec(page)
  if (!head) throw new PageError(1, 'found no front matter, expected a line of --- and the keys below it')
  const lines = page.split('\n')
  const blocks: Block[] = []
  let at = head[0].split('\n').length - 1
  while (at < lines.length) {
    if (lines[at]!.trim() === '') {
      at++
      continue
    }
    const { block, next } = readBlock(lines, at)
    blocks.push(block)
    at = next
  }
  return { frontMatter: head[1]!, blocks }
}

interface Read {
  readonly block: Block
  readonly next: number
}

function readBlock(lines: readonly string[], at: number): Read {
  const text = lines[at]!
  const line = at + 1
  const heading = /^(#+) (.*)$/.exec(text)
  if (heading) return { block: { kind: 'heading', line, level: heading[1]!.length, text: heading[2]!.trim() }, next: at + 1 }
  if (text.startsWith('```')) return readCode(lines, at)
  if (text.startsWith('<!--')) return readComment(lines, at)
  if (text.startsWith('<details>')) return readFolded(lines, at)
  if (text.startsWith('- ')) return readList(lines, at)
  const next = endOf(lines, at, (other) => other.trim() === '' || /^(#+ |```|<!--|<details>|- )/.test(other))
  const markdown = lines.slice(at, next).join('\n')
  if (markdown.includes('<!--'))
    throw new PageError(line, 'found a comment inside a paragraph, expected it in a list item or in lines of its own')
  return { block: { kind: 'prose', line, markdown }, next }
}

function readCode(lines: readonly string[], at: number): Read {
  const next = endOf(lines, at, (text) => text.startsWith('```'))
  if (next === lines.length) throw new PageError(at + 1, 'found a block of code that nothing closes')
  const text = lines.slice(at + 1, next).join('\n')
  return { block: { kind: 'code', line: at + 1, language: lines[at]!.slice(3).trim(), text }, next: next + 1 }
}

function readComment(lines: readonly string[], at: number): Read {
  const last = lines.findIndex((text, index) => index >= at && text.includes('-->'))
  if (last === -1) throw new PageError(at + 1, 'found a comment that nothing closes')
  const whole = lines.slice(at, last + 1).join('\n')
  const match = /^<!--(.*?)-->\s*$/s.exec(whole)
  if (!match) throw new PageError(at + 1, 'found text behind a comment, expected it in lines of its own')
  return { block: { kind: 'comment', line: at + 1, text: match[1]!.trim() }, next: last + 1 }
}

function readFolded(lines: readonly string[], at: number): Read {
  const last = lines.findIndex((text, index) => index >= at && text.trim() === '</details>')
  const question = /^<details><summary>(.+)<\/summary>$/.exec(lines[at]!.trim())?.[1]
  if (last === -1 || question === undefined)
    throw new PageError(at + 1, 'expected <details><summary>Question</summary>, the answer, </details>')
  const answer = lines
    .slice(at + 1, last)
    .join('\n')
    .trim()
  return { block: { kind: 'folded', line: at + 1, question, answer }, next: last + 1 }
}

/** Items begin with "- " at the margin; what belongs to one is indented. A blank line ends the list, unless an indented one follows. */
function readList(lines: readonly string[], at: number): Read {
  const next = endOf(
    lines,
    at,
    (text, index) => !text.startsWith('- ') && !/^\s+\S/.test(text) && !(text.trim() === '' && /^(\s+\S|- )/.test(lines[index + 1] ?? '')),
  )
  const starts = lines.flatMap((text, index) => (index >= at && index < next && text.startsWith('- ') ? [index] : []))
  const items = starts.map((start, index): Item => readItem(lines.slice(start, starts[index + 1] ?? next).join('\n'), start + 1))
  const markdown = lines
    .slice(at, next)
    .join('\n')
    .replaceAll(/\s*<!--.*?-->/gs, '')
    .trimEnd()
  return { block: { kind: 'list', line: at + 1, markdown, items }, next }
}

function readItem(markdown: string, line: number): Item {
  const comments = [...markdown.matchAll(/<!--(.*?)-->/gs)].map(([, text]) => text!.trim())
  const text = markdown.replaceAll(/<!--.*?-->/gs, '')
  if (text.includes('<!--')) throw new PageError(line, 'found a comment that nothing closes')
  return { line, text: text.slice(2).replaceAll(/\s+/g, ' ').trim(), comments }
}

/** The first index behind `at` that is the end, or the number of lines. */
function endOf(lines: readonly string[], at: number, isEnd: (text: string, index: number) => boolean): number {
  const end = lines.findIndex((text, index) => index > at && isEnd(text, index))
  return end === -1 ? lines.length : end
}
