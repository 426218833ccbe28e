/**
 * Records as a list, newest first.
 *
 * A message is what someone typed: it may be a line of 10 000 letters, a page of line breaks, or right-to-left text with an
 * unclosed override in it. Each is set in a block of its own with its own direction, so that it cannot turn the text beside
 * it around, and a long one is folded by `<details>`, which needs no script.
 */
import { html } from 'hono/html'
import type { Language } from './language.ts'
import type { Html } from './layout.ts'
import { MESSAGES } from './messages.ts'
import { timeElement } from './time-element.ts'

/** A record as the API answers it: the times are ISO 8601 in UTC. */
export interface RecordView {
  readonly id: number
  readonly message: string
  readonly origin: string
  readonly createdAt: string
  readonly updatedAt: string
}

const EXCERPT_CHARACTERS_MAX = 480
const EXCERPT_LINES_MAX = 10

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** `savedId` marks the record that this visitor has just saved. */
export function recordList(records: readonly RecordView[], language: Language, savedId?: number): Html {
  return html`<ol class="records" role="list">
    ${records.map((record) => recordItem(record, language, record.id === savedId))}
  </ol>`
}

function recordItem(record: RecordView, language: Language, isNew: boolean): Html {
  const text = MESSAGES[language]
  const changed = record.updatedAt === record.createdAt ? '' : html`<span>${text.changed} ${timeElement(record.updatedAt, language)}</span>`
  return html`<li id="record-${record.id}" class="${isNew ? 'record is-new' : 'record'}">
    <article aria-label="${text.recordName(record.id)}">
      ${messageBlock(record.message, language)}
      <p class="record-facts">
        <span class="record-id">#${record.id}</span>
        ${timeElement(record.createdAt, language)} ${changed}
        <span>${text.writtenBy(record.origin)}</span>
      </p>
    </article>
  </li>`
}

function messageBlock(message: string, language: Language): Html {
  const excerpt = excerptOf(message)
  if (excerpt === message) return html`<p class="message" dir="auto">${message}</p>`
  const characters = new Intl.NumberFormat(language).format([...message].length)
  return html`<p class="message excerpt" dir="auto">${excerpt}…</p>
    <details>
      <summary>${MESSAGES[language].showAll(characters)}</summary>
      <p class="message" dir="auto">${message}</p>
    </details>`
}

/** The beginning, cut between characters as a person counts them; the whole message where little would be left out. */
function excerptOf(message: string): string {
  const lines = message.split('\n')
  const fewLines = lines.length > EXCERPT_LINES_MAX * 1.5 ? lines.slice(0, EXCERPT_LINES_MAX).join('\n') : message
  if (fewLines.length <= EXCERPT_CHARACTERS_MAX * 1.5) return fewLines
  let end = 0
  for (const { index, segment } of GRAPHEMES.segment(fewLines.slice(0, EXCERPT_CHARACTERS_MAX * 1.5))) {
    if (index + segment.length > EXCERPT_CHARACTERS_MAX) break
    end = index + segment.length
  }
  return fewLines.slice(0, end || EXCERPT_CHARACTERS_MAX)
}
