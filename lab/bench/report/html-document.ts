/**
 * A report as one HTML file that needs nothing else: style and charts are in it, it has no script, and it asks the network for nothing.
 *
 * Text from a record (names, remarks, errors) is escaped here, in one place: a record may come from anybody.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Block, ChartBlock, ReportDocument, Section, TableBlock } from './report-document.ts'

/** Drawn twice, and the style shows the one that fits: a drawing that shrinks has letters that nobody can read. */
const WIDTHS_PX = { narrow: 320, wide: 860 } as const
const STYLE = readFileSync(path.join(import.meta.dirname, 'report.css'), 'utf8')

export function htmlDocument({ title, lead, sections }: ReportDocument): string {
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join('')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>
${STYLE}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the results</a>
<header><p class="brand">relais</p><h1>${escapeHtml(title)}</h1><p class="lead">${inline(lead)}</p></header>
<nav aria-label="Sections"><ul>${links}</ul></nav>
<main id="content">
${sections.map(htmlSection).join('\n')}
</main>
</body>
</html>
`
}

function htmlSection({ id, title, blocks }: Section): string {
  const content = blocks.map((block, index) => htmlBlock(block, `${id}-${index}`)).join('\n')
  return `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escapeHtml(title)}</h2>\n${content}\n</section>`
}

function htmlBlock(block: Block, id: string): string {
  switch (block.kind) {
    case 'text':
      return `<p>${inline(block.text)}</p>`
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`
    case 'notice':
      return `<p class="notice ${block.tone}">${inline(block.text)}</p>`
    case 'figures':
      return `<dl class="figures">${block.figures
        .map(
          ({ label, value, detail, tone }) =>
            `<div class="${tone}"><dt>${inline(label)}</dt><dd><strong>${inline(value)}</strong><span>${inline(detail)}</span></dd></div>`,
        )
        .join('')}</dl>`
    case 'table':
      return htmlTable(block)
    case 'chart':
      return htmlChart(block, id)
  }
}

function htmlTable({ caption, head, rows }: TableBlock): string {
  const headings = head.map((cell) => `<th scope="col">${inline(cell)}</th>`).join('')
  const body = rows.map(([first, ...rest]) => {
    return `<tr><th scope="row">${inline(first ?? '')}</th>${rest.map((cell) => `<td>${inline(cell)}</td>`).join('')}</tr>`
  })
  const shown = `<table><caption>${inline(caption)}</caption><thead><tr>${headings}</tr></thead><tbody>${body.join('')}</tbody></table>`
  // A wide table scrolls in its own box, which the keyboard must be able to reach; the page never scrolls sideways.
  return `<div class="table" tabindex="0" role="region" aria-label="${escapeHtml(caption)}">${shown}</div>`
}

function htmlChart({ title, description, howToRead, legend, draw, table }: ChartBlock, id: string): string {
  const drawings = Object.entries(WIDTHS_PX).map(([name, width]) => named(draw(width), `${id}-${name}`, name, title, description))
  const keys = legend.map(({ name, color, isDashed }) => {
    return `<li><i class="${isDashed ? 'dashed ' : ''}key" style="--key:var(--${color})"></i>${inline(name)}</li>`
  })
  return `<figure><figcaption><h3>${escapeHtml(title)}</h3></figcaption><ul class="legend">${keys.join('')}</ul>${drawings.join('')}
<p class="reading"><b>How to read this.</b> ${inline(howToRead)}</p>
<details><summary>The figures of this chart</summary>${htmlTable(table)}</details></figure>`
}

function named(svg: string, id: string, size: string, title: string, description: string): string {
  const names = `<title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(description)}</desc>`
  return svg.replace(/^<svg([^>]*)>/, (_, attributes: string) => {
    return `<svg${attributes} class="${size}" role="img" aria-labelledby="${id}-t ${id}-d">${names}`
  })
}

/** Escaped; then `code` and **strong** as Markdown has them. */
function inline(text: string): string {
  return escapeHtml(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}
