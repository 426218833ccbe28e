/** Any request for a page that ends in an error: what failed, where, and the request id to find it by. */
import { html } from 'hono/html'
import { pageLink } from './language.ts'
import { layout, type Html, type PageView } from './layout.ts'
import { MESSAGES } from './messages.ts'
import { problemReason, problemTitle, type ProblemView } from './problem-notice.ts'
import { wayDiagram } from './way-diagram.ts'
import type { Way } from './way.ts'

export interface ProblemPageView extends PageView {
  readonly problem: ProblemView
  /** As far as it is known. */
  readonly way: Way
  readonly primaryNumber?: number | undefined
}

/** The document; its status is `view.problem.status`. */
export function problemPage(view: ProblemPageView): Html {
  const { problem, choice, primaryNumber, single } = view
  const text = MESSAGES[choice.language]
  const title = problemTitle(problem, choice.language)
  const cameThrough = wayDiagram({ language: choice.language, read: view.way, failed: true, primaryNumber, single })
  const main = html`<div class="columns">
    <div class="compose problem-page">
      <p class="big-status" aria-hidden="true">${problem.status}</p>
      <h1>${title}</h1>
      ${problemReason(problem, choice.language)}
      <p><a class="page-link" href="${pageLink('/', {}, choice)}">${text.backHome}</a></p>
    </div>
    ${problem.status >= 500 ? cameThrough : ''}
  </div>`
  return layout(view, { title, current: undefined, main })
}
