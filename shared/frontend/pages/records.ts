/**
 * `GET /records?before=ID`: all records, a page at a time, newest first.
 *
 * Pages go by key, "the records below this id", and not by number: a record that is written while someone reads shifts
 * nothing, and page 10 000 costs what page 1 costs.
 */
import { html } from 'hono/html'
import { pageLink } from './language.ts'
import { layout, type Html, type PageView } from './layout.ts'
import { MESSAGES } from './messages.ts'
import { recordList, type RecordView } from './record-list.ts'
import { wayPhrase } from './way-phrase.ts'
import type { Way } from './way.ts'

export interface RecordsView extends PageView {
  /** Newest first. */
  readonly records: readonly RecordView[]
  /** Where the API has them. */
  readonly jsonHref: string
  /** As the API answers it: `before` of the next older page, or `null`. */
  readonly next: number | null
  /** As the address has it; `undefined` on the newest page. */
  readonly before: number | undefined
  readonly way: Way
}

/** The document, for status 200. */
export function recordsPage(view: RecordsView): Html {
  const { choice, before } = view
  const text = MESSAGES[choice.language]
  const phrase = wayPhrase(view.way, choice.language)
  const main = html`<div class="reading">
    <h1>${text.recordsHeading}</h1>
    ${phrase === '' ? '' : html`<p class="lead">${text.servedBy(phrase)}</p>`}
    ${view.records.length > 0 ? recordList(view.records, choice.language) : noRecords(view)} ${pageLinks(view)}
  </div>`
  const parameters: Record<string, number> = before === undefined ? {} : { before }
  const self = { path: '/records', parameters }
  const jsonHref = view.records.length > 0 ? view.jsonHref : undefined
  return layout(view, { title: text.recordsHeading, current: 'records', self, jsonHref, main })
}

function noRecords({ choice, before, single }: RecordsView): Html {
  const text = MESSAGES[choice.language]
  if (before !== undefined) return html`<p class="empty">${text.noOlderRecords}</p>`
  const home = html`<a href="${pageLink('/', {}, choice)}">${text.home}</a>`
  return html`<div class="empty">
    <p><strong>${text.noRecords}</strong></p>
    <p>${single ? text.noRecordsLeadSingle : text.noRecordsLead}</p>
    <p>${home}</p>
  </div>`
}

function pageLinks({ choice, before, next }: RecordsView): Html | string {
  const text = MESSAGES[choice.language]
  if (before === undefined && next === null) return ''
  const newest = html`<a class="page-link" href="${pageLink('/records', {}, choice)}"><span aria-hidden="true">↑ </span>${text.newest}</a>`
  const older =
    next === null
      ? ''
      : html`<a class="page-link" rel="next" href="${pageLink('/records', { before: next }, choice)}"
          >${text.older}<span aria-hidden="true"> ↓</span></a
        >`
  return html`<nav class="pages" aria-label="${text.pages}">${before === undefined ? html`<span></span>` : newest}${older}</nav>`
}
