/**
 * A report before it has a form: sections of blocks, which are written once and shown as Markdown, as HTML or on a terminal.
 *
 *   record ─▶ readings ─▶ sections (this) ─┬▶ html-document.ts
 *                                          └▶ markdown-document.ts
 */
export interface ReportDocument {
  readonly title: string
  readonly lead: string
  readonly sections: readonly Section[]
}

export interface Section {
  /** Of the HTML anchor. */
  readonly id: string
  readonly title: string
  readonly blocks: readonly Block[]
}

export type Tone = 'good' | 'warning' | 'bad' | 'plain'

export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'notice'; readonly tone: Tone; readonly text: string }
  | { readonly kind: 'figures'; readonly figures: readonly KeyFigure[] }
  | TableBlock
  | ChartBlock

export interface KeyFigure {
  readonly label: string
  readonly value: string
  readonly detail: string
  readonly tone: Tone
}

/** The first cell of each row is its heading. */
export interface TableBlock {
  readonly kind: 'table'
  readonly caption: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What is drawn is in the table too, for who cannot see it, and for Markdown. */
export interface ChartBlock {
  readonly kind: 'chart'
  readonly title: string
  /** What a person who does not see it would be told: what is on the axes. */
  readonly description: string
  readonly howToRead: string
  readonly legend: readonly { readonly name: string; readonly color: Color; readonly isDashed?: boolean }[]
  /** Drawn for a width in CSS pixels: text keeps its size on a phone. */
  readonly draw: (widthPx: number) => string
  readonly table: TableBlock
}

/** Names of colours; each scheme, and paper, has its own value for them. */
const COLORS = ['balanced', 'single', 'third', 'fourth', 'fifth'] as const
export type Color = (typeof COLORS)[number]

export function text(content: string): Block {
  return { kind: 'text', text: content }
}

export function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): TableBlock {
  return { kind: 'table', caption, head, rows }
}
