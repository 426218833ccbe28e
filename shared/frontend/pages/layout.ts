/**
 * The frame of every page: head, header with navigation, main content, small print.
 *
 * A page is one string made by Hono's `html` tag, which escapes every value that is not itself made by it. There is no
 * script and no inline style anywhere, so the Content-Security-Policy can forbid both and an escaping mistake still runs nothing.
 */
import { html } from 'hono/html'
import { FAVICON, STYLE } from './assets.ts'
import { LANGUAGES, pageLink, type Carried } from './language.ts'
import { MESSAGES } from './messages.ts'

/** What `html` makes and `c.html()` takes. */
export type Html = ReturnType<typeof html>

/** What every page's view has. */
export interface PageView {
  readonly choice: Carried
  /** `RELAIS_STAGE`, only ever displayed. */
  readonly stage: string
  /** Started with `--single`: one instance a tier, no load balancers. */
  readonly single: boolean
  /** `X-Session-Token` of the answer that the page shows, where there is one. */
  readonly sessionToken?: string | undefined
}

export interface Frame {
  readonly title: string
  readonly current: 'home' | 'records' | undefined
  /** The page's own path and query, for the link to the other language; without one, where a switch would lose typed text. */
  readonly self?: { readonly path: string; readonly parameters: Readonly<Record<string, string | number>> }
  /** Where a program reads the same records; `undefined` where the page shows none. */
  readonly jsonHref?: string | undefined
  readonly main: Html
}

const PRODUCT = 'relais'

/** The whole document. */
export function layout(view: PageView, frame: Frame): Html {
  const text = MESSAGES[view.choice.language]
  return html`<!doctype html>
    <html lang="${view.choice.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="description" content="${text.description}" />
        <title>${frame.title} – ${PRODUCT}</title>
        <link rel="icon" href="${FAVICON.href}" type="image/svg+xml" />
        <link rel="stylesheet" href="${STYLE.href}" />
      </head>
      <body>
        <a class="skip-link" href="#main">${text.skipToContent}</a>
        ${header(view, frame)}
        <main id="main" tabindex="-1">${frame.main}</main>
        ${footer(view, frame)}
      </body>
    </html> `
}

function header(view: PageView, frame: Frame): Html {
  const text = MESSAGES[view.choice.language]
  return html`<header class="site-header">
    <a class="brand" href="${pageLink('/', {}, view.choice)}">${mark()}${PRODUCT}</a>
    <span class="stage">${stageName(view)}</span>
    <nav class="site-nav" aria-label="${text.siteNavigation}">
      <ul role="list">
        <li>${navLink('/', text.home, frame.current === 'home', view.choice)}</li>
        <li>${navLink('/records', text.allRecords, frame.current === 'records', view.choice)}</li>
        ${otherLanguages(view, frame)}
      </ul>
    </nav>
  </header>`
}

/** The icon again, in the text's colours. */
function mark(): Html {
  return html`<svg class="mark" viewBox="0 0 24 20" aria-hidden="true" focusable="false">
    <path d="M4 10c6 0 6-7 13-7M4 10c6 0 6 7 13 7"></path>
    <path class="mark-way" d="M4 10h13"></path>
    <circle cx="4" cy="10" r="3"></circle>
    <circle cx="19" cy="10" r="3"></circle>
  </svg>`
}

function stageName({ stage, choice }: PageView): string {
  const names: Readonly<Record<string, string>> = MESSAGES[choice.language].stages
  return Object.hasOwn(names, stage) ? names[stage]! : stage
}

function navLink(path: string, label: string, isCurrent: boolean, choice: Carried): Html {
  return html`<a href="${pageLink(path, {}, choice)}" ${isCurrent ? html`aria-current="page"` : ''}>${label}</a>`
}

function otherLanguages(view: PageView, { self }: Frame): Html[] {
  if (self === undefined) return []
  const others = LANGUAGES.filter((language) => language !== view.choice.language)
  return others.map((language) => {
    const href = pageLink(self.path, self.parameters, { ...view.choice, language, explicit: true })
    return html`<li class="language">
      <a href="${href}" lang="${language}" hreflang="${language}">${MESSAGES[language].languageName}</a>
    </li>`
  })
}

function footer(view: PageView, { jsonHref }: Frame): Html {
  const text = MESSAGES[view.choice.language]
  const position = html`<p>${text.historyUpTo} <code>${view.sessionToken}</code></p>`
  const json = html`<p><a href="${jsonHref}">${text.asJson}</a></p>`
  return html`<footer class="site-footer">${view.sessionToken === undefined ? '' : position} ${jsonHref === undefined ? '' : json}</footer>`
}
