/**
 * A problem document (RFC 9457) in words for people, in their language.
 *
 * After a failed write one thing matters more than the reason: whether it was made. "It failed, try again" after a timeout is how
 * records come to exist twice, so the notice says which of the two cases it is and why repeating is safe.
 */
import { html } from 'hono/html'
import { problemType } from '../../http/problem.ts'
import { ERRORS, type ErrorSlug } from '../../http/errors.ts'
import type { Language } from './language.ts'
import type { Html } from './layout.ts'
import { MESSAGES, type ProblemText } from './messages.ts'

/** The members of a problem document that a page shows. */
export interface ProblemView {
  readonly type?: string | undefined
  readonly title: string
  readonly status: number
  readonly detail?: string | undefined
  /** Whether a write certainly did not happen. */
  readonly definite: boolean
  readonly requestId?: string | undefined
}

const SLUGS = new Map(Object.keys(ERRORS).map((slug) => [problemType(slug as ErrorSlug), slug as ErrorSlug]))

/** The title in the reader's language; an unknown type keeps the document's own. */
export function problemTitle(problem: ProblemView, language: Language): string {
  return knownText(problem, language)?.title ?? problem.title
}

/** Why it failed, and the request id to find it by in the logs. */
export function problemReason(problem: ProblemView, language: Language): Html {
  return html`${explanation(problem, language)} ${problem.requestId === undefined ? '' : requestLine(problem, language)}`
}

/** Whether the write was made, and what to do: the heading and the advice. */
export function writeVerdict(problem: ProblemView, language: Language): { heading: string; advice: string } {
  const text = MESSAGES[language]
  if (!problem.definite) return { heading: text.maybeSaved, advice: text.maybeSavedAdvice }
  const isOtherText = problem.type === problemType('idempotency-key-reused')
  return { heading: text.notSaved, advice: isOtherText ? text.otherTextAdvice : text.notSavedAdvice }
}

function explanation(problem: ProblemView, language: Language): Html {
  const meaning = knownText(problem, language)?.meaning
  const detail = problem.detail === undefined || isTableText(problem) ? undefined : problem.detail
  if (language === 'en') return html`<p>${detail ?? meaning ?? ''}</p>`
  const inEnglish = html`<p class="fine">${MESSAGES[language].detailInEnglish} <span lang="en">${detail}</span></p>`
  return html`${meaning === undefined ? '' : html`<p>${meaning}</p>`}${detail === undefined ? '' : inEnglish}`
}

function requestLine({ status, requestId }: ProblemView, language: Language): Html {
  return html`<p class="fine">HTTP ${status} · ${MESSAGES[language].requestId} <code>${requestId}</code></p>`
}

function knownText({ type }: ProblemView, language: Language): ProblemText | undefined {
  const slug = SLUGS.get(type ?? '')
  return slug && MESSAGES[language].problems[slug]
}

/** The detail only repeats the table's meaning, which has a translation. */
function isTableText(problem: ProblemView): boolean {
  return problem.detail === knownText(problem, 'en')?.meaning
}
