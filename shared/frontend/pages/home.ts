/**
 * `GET /`, and the answer to a `POST /submit` that failed: the form, the way the page took, the newest records.
 */
import { html } from 'hono/html'
import { problemType } from '../../http/problem.ts'
import { comparePositions, parsePosition } from '../../store/position.ts'
import { pageLink } from './language.ts'
import { layout, type Html, type PageView } from './layout.ts'
import { MESSAGES } from './messages.ts'
import { problemReason, problemTitle, writeVerdict, type ProblemView } from './problem-notice.ts'
import { recordList, type RecordView } from './record-list.ts'
import type { Saved } from './saved.ts'
import { submitForm, type FormView } from './submit-form.ts'
import { wayDiagram } from './way-diagram.ts'
import { wayPhrase } from './way-phrase.ts'
import { instanceName, type Way } from './way.ts'

export interface HomeView extends PageView {
  readonly form: FormView
  /** Newest first; `undefined` when they were not read, as after a failed submit: the page then leaves them out. */
  readonly records: readonly RecordView[] | undefined
  /** Where the API has them. */
  readonly jsonHref?: string | undefined
  /** The way of this page's read; after a failed submit, of the write that failed. */
  readonly way: Way
  readonly primaryNumber?: number | undefined
  /** From the redirect's address, after a submit that worked. */
  readonly saved?: Saved | undefined
  /** After a submit that failed. */
  readonly problem?: ProblemView | undefined
}

/** The document; its status is the problem's, or 200. */
export function homePage(view: HomeView): Html {
  const text = MESSAGES[view.choice.language]
  const { saved, problem } = view
  const heading = problem ? writeVerdict(problem, view.choice.language).heading : saved && text.savedHeading(saved.id)
  const main = html`<div class="columns">
    <div class="compose">
      <h1>${text.homeHeading}</h1>
      <p class="lead">${view.single ? text.homeLeadSingle : text.homeLead}</p>
      ${problem ? failedNotice(problem, view) : saved ? savedNotice(saved, view) : ''}
      ${submitForm(view.form, view.choice, problem?.type === problemType('invalid-content') ? 'problem' : undefined)}
    </div>
    ${way(view)} ${newestRecords(view)}
  </div>`
  const jsonHref = view.records?.length ? view.jsonHref : undefined
  const frame = { title: heading ?? text.home, current: 'home', jsonHref, main } as const
  return layout(view, problem ? frame : { ...frame, self: { path: '/', parameters: {} } })
}

function way(view: HomeView): Html {
  return wayDiagram({
    language: view.choice.language,
    read: view.problem ? undefined : view.way,
    write: view.problem ? view.way : view.saved?.way,
    failed: view.problem !== undefined,
    primaryNumber: view.primaryNumber,
    single: view.single,
    againHref: view.problem || view.single ? undefined : pageLink('/', {}, view.choice),
  })
}

function savedNotice(saved: Saved, view: HomeView): Html {
  const { language } = view.choice
  const text = MESSAGES[language]
  const phrase = wayPhrase(saved.way, language)
  const isListed = view.records?.some(({ id }) => id === saved.id)
  const sentences = [saved.origin !== undefined && text.savedBy(saved.origin), phrase !== '' && text.savedVia(phrase)].filter(Boolean)
  return html`<div class="notice notice-saved" role="status">
    <h2>${text.savedHeading(saved.id)}</h2>
    <p>${sentences.join(' ')} ${isListed ? html`<a href="#record-${saved.id}">${text.showRecord}</a>` : notListed(saved, view)}</p>
  </div>`
}

/**
 * Replication is not instant: an older page of an older history is worth a sentence, an overtaken record is not. A page whose history has
 * come as far as the write had the record, and has it no more: it was deleted, or lost with a primary that failed.
 */
function notListed(saved: Saved, view: HomeView): string {
  const text = MESSAGES[view.choice.language]
  const instance = instanceName(view.way, 'db')
  const newestId = view.records?.[0]?.id ?? 0
  if (view.records === undefined || newestId > saved.id) return ''
  if (hasReached(view.sessionToken, saved.sessionToken)) return text.goneSince
  return instance === undefined ? '' : text.notYetAt(instance)
}

/** False where either is not known. */
function hasReached(found: string | undefined, wanted: string | undefined): boolean {
  const [at, until] = [found, wanted].map((token) => parsePosition(token ?? ''))
  return at !== undefined && until !== undefined && comparePositions(at, until) >= 0
}

function failedNotice(problem: ProblemView, view: HomeView): Html {
  const { language } = view.choice
  const { heading, advice } = writeVerdict(problem, language)
  return html`<div id="problem" class="notice notice-${problem.definite ? 'failed' : 'unknown'}" role="alert">
    <h2>${heading}</h2>
    <p><strong>${problemTitle(problem, language)}</strong></p>
    ${problemReason(problem, language)}
    <p>${advice}</p>
  </div>`
}

function newestRecords(view: HomeView): Html | string {
  if (view.records === undefined) return ''
  const { language } = view.choice
  const text = MESSAGES[language]
  const all = html`<p class="more"><a href="${pageLink('/records', {}, view.choice)}">${text.allRecords}</a></p>`
  return html`<section class="newest" aria-labelledby="newest">
    <h2 id="newest">${text.newestRecords}</h2>
    ${recordsOrReason(view.records, view)} ${view.records.length > 0 ? all : ''}
  </section>`
}

function recordsOrReason(records: readonly RecordView[], { choice, saved, single }: HomeView): Html {
  const text = MESSAGES[choice.language]
  if (records.length > 0) return recordList(records, choice.language, saved?.id)
  return html`<div class="empty">
    <p><strong>${text.noRecords}</strong></p>
    <p>${single ? text.noRecordsLeadSingle : text.noRecordsLead}</p>
  </div>`
}
