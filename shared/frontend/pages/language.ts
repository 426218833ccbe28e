/**
 * Chooses the language of a page, and keeps the choice in its links.
 *
 * Taking the first two letters of `Accept-Language` is the usual mistake: "de, fr;q=0.9, en;q=0.2" is a person who
 * prefers French to English, and "fr;q=0" is one who does not want French. So the quality values are read
 * (RFC 9110, section 12.5.4). A person may also choose by hand: `?lang=fr` wins, and is carried in every link of
 * the page instead of in a cookie, so that three frontends agree without sharing anything.
 */

export const LANGUAGES = ['en', 'fr'] as const

export type Language = (typeof LANGUAGES)[number]

export interface LanguageChoice {
  readonly language: Language
  /** Chosen by `?lang=`; links then repeat it. Otherwise the browser repeats its header by itself. */
  readonly explicit: boolean
}

/** What every link of a page carries on to the next. */
export interface Carried extends LanguageChoice {
  /**
   * The position of the visitor's own write, in the same words as in `saved.ts`: whoever has written sees it on every page that follows, also where a
   * replica is late or a load balancer keeps answers.
   */
  readonly at?: string | undefined
}

const FALLBACK: Language = 'en'

/** `parameter` is the value of `?lang=`; anything but a language we have is ignored. */
export function chooseLanguage(acceptLanguage: string | undefined, parameter?: string): LanguageChoice {
  if (isLanguage(parameter)) return { language: parameter, explicit: true }
  return { language: preferredLanguage(acceptLanguage ?? ''), explicit: false }
}

/** A path of this site with its query, `at` included after a write and `lang` where it was chosen by hand. Parameters win over what is carried. */
export function pageLink(path: string, parameters: Readonly<Record<string, string | number>>, choice: Carried): string {
  const query = new URLSearchParams(choice.at === undefined ? {} : { at: choice.at })
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value))
  if (choice.explicit) query.set('lang', choice.language)
  return query.size === 0 ? path : `${path}?${query.toString()}`
}

function isLanguage(text: string | undefined): text is Language {
  return LANGUAGES.some((language) => language === text)
}

function preferredLanguage(header: string): Language {
  const ranges = header.split(',').flatMap(parseRange)
  const ranked = LANGUAGES.map((language) => rank(language, ranges)).filter(({ quality }) => quality > 0)
  ranked.sort((a, b) => b.quality - a.quality || a.place - b.place)
  return ranked[0]?.language ?? FALLBACK
}

interface Range {
  /** "fr" of "fr-CH", lower case, or "*". */
  readonly primary: string
  readonly quality: number
}

function parseRange(text: string): Range[] {
  const match = /^\s*(\*|[a-z]{1,8})(?:-[a-z0-9-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i.exec(text)
  if (!match) return []
  const quality = Number(match[2] ?? 1)
  return quality > 1 ? [] : [{ primary: match[1]!.toLowerCase(), quality }]
}

/** The best of the ranges that name the language; only when none does, "*" speaks for it. */
function rank(language: Language, ranges: readonly Range[]): { language: Language; quality: number; place: number } {
  const named = ranges.some(({ primary }) => primary === language) ? language : '*'
  let best = { language, quality: 0, place: Number.MAX_SAFE_INTEGER }
  for (const [place, { primary, quality }] of ranges.entries()) {
    if (primary === named && quality > best.quality) best = { language, quality, place }
  }
  return best
}
