/** A report as Markdown: a chart is its table, with the words that stand under it. */
import type { Block, ReportDocument, TableBlock } from './report-document.ts'

export function markdownDocument({ title, lead, sections }: ReportDocument): string {
  const parts = sections.map((section) => `## ${section.title}\n\n${section.blocks.map(markdownOf).join('\n\n')}`)
  return `${[`# ${title}`, lead, ...parts].join('\n\n')}\n`
}

function markdownOf(block: Block): string {
  switch (block.kind) {
    case 'text':
      return block.text
    case 'notice':
      return `> ${block.text}`
    case 'list':
      return block.items.map((item) => `- ${item}`).join('\n')
    case 'figures':
      return block.figures.map(({ label, value, detail }) => `- **${label}: ${value}** ${detail}`).join('\n')
    case 'table':
      return markdownTable(block)
    case 'chart':
      return `### ${block.title}\n\n${markdownTable(block.table)}\n\nHow to read this: ${block.howToRead}`
  }
}

function markdownTable({ caption, head, rows }: TableBlock): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(cellOf).join(' | ')} |`
  return [`**${caption}**`, '', row(head), `|${head.map(() => '---|').join('')}`, ...rows.map(row)].join('\n')
}

function cellOf(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
}
