/**
 * A time for people and for programs: `<time datetime="2025-03-09T14:03:22.120Z">9 Mar 2025, 14:03:22 UTC</time>`.
 *
 * The server does not know where the reader is, so it says which clock it means: UTC, always.
 */
import { html } from 'hono/html'
import type { Language } from './language.ts'
import type { Html } from './layout.ts'

const OPTIONS: Intl.DateTimeFormatOptions = {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
  timeZoneName: 'short',
}

const FORMATS: Readonly<Record<Language, Intl.DateTimeFormat>> = {
  en: new Intl.DateTimeFormat('en-GB', OPTIONS),
  fr: new Intl.DateTimeFormat('fr-FR', OPTIONS),
}

/** `iso` is ISO 8601; what is no time is shown as it came. */
export function timeElement(iso: string, language: Language): Html {
  const timeMs = Date.parse(iso)
  if (Number.isNaN(timeMs)) return html`<span>${iso}</span>`
  return html`<time datetime="${iso}">${FORMATS[language].format(timeMs)}</time>`
}
