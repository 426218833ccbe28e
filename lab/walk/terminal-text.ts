/**
 * A lesson's Markdown for a terminal: paragraphs wrapped, marks turned into colours, links reduced to what they say and where they lead.
 */
import path from 'node:path'
import { paint } from '../command-line/paint.ts'

const WIDTH_MAX = 100
/** Where there is no terminal, or one that says 0. */
const COLUMNS_UNKNOWN = 80

/**
 * Without colours where there is no terminal, as `paint` decides. Links of a page in `folder` are shown from the root of the repository, where the reader's
 * shell is.
 */
export function terminalText(markdown: string, folder = '', columns: number = process.stdout.columns || COLUMNS_UNKNOWN): string {
  const width = Math.min(columns, WIDTH_MAX)
  return fromRoot(markdown, folder)
    .split(/\n{2,}/)
    .map((block) => blockText(block, width))
    .join('\n\n')
}

function fromRoot(markdown: string, folder: string): string {
  return markdown.replaceAll(/\]\(([^):\s]+)\)/g, (_, target: string) => `](${path.posix.join(folder, target)})`)
}

function blockText(block: string, width: number): string {
  if (block.startsWith('|')) return tableText(block)
  const heading = /^#+ (.*)$/.exec(block)?.[1]
  if (heading !== undefined) return paint.strong(plain(heading))
  if (!/^\s*(?:[-*]|\d+\.) /m.test(block)) return coloured(wrap(plain(block.replaceAll('\n', ' ')), width))
  const items = block.replaceAll(/\n(?!\s*(?:[-*]|\d+\.) )\s*/g, ' ').split('\n')
  return items.map((item) => coloured(itemText(item, width))).join('\n')
}

function itemText(item: string, width: number): string {
  const [, indent = '', mark = '', text = item] = /^(\s*)([-*]|\d+\.) (.*)$/.exec(item) ?? []
  const sign = /^\d/.test(mark) ? mark : '•'
  const margin = ' '.repeat(indent.length + sign.length + 1)
  return `${indent}${sign} ${wrap(plain(text), width - margin.length).replaceAll('\n', `\n${margin}`)}`
}

function tableText(table: string): string {
  const rows = table.split('\n').map((row) =>
    row
      .replaceAll(/^\||\|$/g, '')
      .split('|')
      .map((cell) => plain(cell.trim())),
  )
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => (isRule(row) ? 0 : seen(row[column] ?? '').length))))
  const body = rows.filter((row) => !isRule(row))
  return body
    .map((row) =>
      coloured(
        row
          .map((cell, column) => cell + ' '.repeat(Math.max(0, widths[column]! - seen(cell).length)))
          .join('  ')
          .trimEnd(),
      ),
    )
    .join('\n')
}

function isRule(row: readonly string[]): boolean {
  return row.every((cell) => /^:?-+:?$/.test(cell))
}

/** Links and pictures as words; what is a mark for colour stays until the lines are broken. */
function plain(text: string): string {
  return text
    .replaceAll(/!\[([^\]]*)\]\(([^)]+)\)/g, '[$1: $2]')
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, (_, words: string, target: string) =>
      target.endsWith(words) ? target : `${words} (${target})`,
    )
}

/** Width is counted without the marks, which are not seen. */
function wrap(text: string, width: number): string {
  const lines: string[] = []
  for (const word of text.split(/ +/)) {
    const last = lines.at(-1)
    if (last !== undefined && seen(last).length + 1 + seen(word).length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}

function seen(text: string): string {
  return text.replaceAll(/\*\*|`/g, '')
}

function coloured(text: string): string {
  return text
    .replaceAll(/`([^`]+)`/g, (_, code: string) => paint.link(code))
    .replaceAll(/\*\*([^*]+)\*\*/g, (_, words: string) => paint.strong(words))
}
