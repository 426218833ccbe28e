/** What must hold of every page in every state: escaping, no inline code or style, valid nesting, both languages. */
import { describe, expect, it } from 'vitest'
import { homePage, type HomeView } from './home.ts'
import { LANGUAGES, type Language } from './language.ts'
import type { Html } from './layout.ts'
import { problemPage } from './problem.ts'
import type { ProblemView } from './problem-notice.ts'
import type { RecordView } from './record-list.ts'
import { recordsPage, type RecordsView } from './records.ts'
import { parseWay, UNKNOWN_WAY } from './way.ts'

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)' style=display:none>\u202e\0`
const WAY = parseWay('frontend2, backend1, db3', 'frontend;dur=6, backend;dur=4, db;dur=1')
const TIME = '2025-03-09T14:03:22.120Z'

const TIMEOUT: ProblemView = {
  type: 'urn:relais:problem:upstream-timeout',
  title: 'Upstream timeout',
  status: 504,
  detail: 'No answer within 3000 ms.',
  definite: false,
  requestId: 'req-7',
}
const INVALID: ProblemView = { ...TIMEOUT, type: 'urn:relais:problem:invalid-content', status: 422, definite: true, detail: HOSTILE }
const OTHER_TEXT: ProblemView = { ...INVALID, type: 'urn:relais:problem:idempotency-key-reused', detail: 'used' }
const UNLISTED: ProblemView = { type: HOSTILE, title: HOSTILE, status: 500, definite: false, requestId: HOSTILE }

function record(id: number, message = `message ${id}`): RecordView {
  return { id, message, origin: 'DB1', createdAt: TIME, updatedAt: TIME }
}

function home(language: Language, more: Partial<HomeView> = {}): string {
  const form = { message: '', idempotencyKey: 'key-1' }
  return text(
    homePage({
      choice: { language, explicit: false },
      stage: 'stage1',
      single: false,
      sessionToken: '1:42',
      form,
      records: [record(42)],
      jsonHref: '/api/data?limit=10',
      way: WAY,
      ...more,
    }),
  )
}

function records(language: Language, more: Partial<RecordsView> = {}): string {
  const list = [record(9), record(8)]
  const choice = { language, explicit: true }
  return text(
    recordsPage({
      choice,
      stage: 'stage2',
      single: false,
      records: list,
      jsonHref: '/api/data?limit=20',
      next: 8,
      before: 10,
      way: WAY,
      ...more,
    }),
  )
}

function problem(language: Language, document: ProblemView): string {
  const choice = { language, explicit: false }
  return text(problemPage({ choice, stage: HOSTILE, single: false, problem: document, way: parseWay('frontend2') }))
}

function text(page: Html): string {
  return String(page)
}

const hostileForm = { message: HOSTILE, idempotencyKey: HOSTILE }
const saved = { id: 42, origin: 'DB1', way: parseWay('frontend1, backend3, db1') }

const PAGES = LANGUAGES.flatMap((language): [string, string][] => [
  [`${language} home`, home(language)],
  [`${language} home, nothing saved yet`, home(language, { records: [] })],
  [`${language} home after a submit`, home(language, { saved })],
  [`${language} home with --single`, home(language, { single: true, way: UNKNOWN_WAY })],
  [`${language} home, outcome unknown`, home(language, { problem: TIMEOUT, form: hostileForm, records: undefined })],
  [
    `${language} home, hostile`,
    home(language, {
      problem: INVALID,
      form: hostileForm,
      records: [record(1, HOSTILE.repeat(100))],
      stage: HOSTILE,
      sessionToken: HOSTILE,
    }),
  ],
  [`${language} records`, records(language, { records: [record(1, HOSTILE), record(2, 'x\n'.repeat(999))] })],
  [`${language} records, none`, records(language, { records: [], next: null, before: undefined })],
  [`${language} records, no older`, records(language, { records: [], next: null })],
  [`${language} problem`, problem(language, TIMEOUT)],
  [`${language} problem, hostile`, problem(language, UNLISTED)],
])

describe.each(PAGES)('the page "%s"', (name, page) => {
  it('runs nothing and styles nothing inline, whatever it was given', () => {
    for (const tag of page.match(/<[a-z][^>]*>/gi) ?? []) {
      expect(tag).not.toMatch(/="javascript:/i)
      expect(tag.replace(/"[^"]*"/g, '')).not.toMatch(/^<(script|style|img|iframe|object)|\s(on\w+|style|src)\s*=/i)
    }
  })

  it('is nested as HTML asks, with each id once', () => {
    expect(nestingErrors(page)).toEqual([])
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('has one main heading, a title, its language and landmarks', () => {
    expect(page).toMatch(/^<!doctype html>\s*<html lang="(en|fr)">/)
    expect(page).toContain(`<html lang="${name.slice(0, 2)}">`)
    expect(page.match(/<h1>/g)).toHaveLength(1)
    expect(page).toMatch(/<title>[^<]+ – relais<\/title>/)
    for (const landmark of ['<header ', '<nav ', '<main ', '<footer ']) expect(page).toContain(landmark)
  })

  it('says of each list that it is one, which WebKit forgets where markers are taken away', () => {
    for (const tag of page.match(/<[ou]l[^>]*>/g) ?? []) expect(tag).toContain(' role="list"')
  })

  it('links only to places on the page that exist', () => {
    for (const [, id] of page.matchAll(/(?:href="#|aria-labelledby="|for=")([^"]+)"/g)) expect(page).toContain(`id="${id}"`)
  })
})

describe('homePage', () => {
  it('says that a record is saved, by whom and by which way', () => {
    const page = home('en', { saved })
    expect(page).toContain('role="status"')
    expect(page).toContain('Record 42 is saved')
    expect(page).toContain('DB1 took the write. It went through frontend1, backend3 and db1.')
    expect(page).toContain('<a href="#record-42">')
  })

  it('says that the record has not arrived where the page was read, only if it could be seen there', () => {
    expect(home('en', { saved, records: [record(41)] })).toContain('read from db3, where the record has not arrived yet')
    expect(home('en', { saved, records: [] })).toContain('not arrived yet')
    expect(home('en', { saved, records: [record(99)] })).not.toContain('not arrived yet')
    expect(home('en', { saved, records: undefined })).not.toContain('not arrived yet')
  })

  it.each([
    ['1:41', '1:42', 'not arrived yet'],
    ['1:9', '2:1', 'not arrived yet'],
    ['3:0/2FFFFFF', '3:0/3000148', 'not arrived yet'],
    [undefined, '1:42', 'not arrived yet'],
    ['1:42', undefined, 'not arrived yet'],
    ['1:42', '1:42', 'not there any more'],
    ['1:43', '1:42', 'not there any more'],
    ['2:1', '1:42', 'not there any more'],
  ])('says at %s of a record written at %s that it is %s', (sessionToken, written, sentence) => {
    const page = home('en', { saved: { ...saved, sessionToken: written }, records: [record(41)], sessionToken })
    for (const either of ['not arrived yet', 'not there any more']) expect(page.includes(either)).toBe(either === sentence)
  })

  it('keeps text and key when the outcome is unknown, and says why repeating is safe', () => {
    const page = home('en', { problem: TIMEOUT, form: { message: 'my text', idempotencyKey: 'key-1' } })
    expect(page).toContain('The message may or may not have been saved')
    expect(page).toContain('Sending the same form again is safe')
    expect(page).toContain('name="key" value="key-1"')
    expect(page).toContain('my text</textarea>')
    expect(page).toContain('No answer within 3000 ms.')
    expect(page).toContain('<code>req-7</code>')
  })

  it('says that nothing was saved only when that is certain', () => {
    expect(home('en', { problem: INVALID })).toContain('The message was not saved')
    expect(home('en', { problem: TIMEOUT })).not.toContain('The message was not saved')
  })

  it('marks a message as wrong only when it is, and says of one whose key was used that sending it again saves it', () => {
    const invalid = home('en', { problem: INVALID })
    const otherText = home('en', { problem: OTHER_TEXT })
    expect([invalid, otherText, home('en', { problem: TIMEOUT })].map((page) => page.includes('aria-invalid'))).toEqual([
      true,
      false,
      false,
    ])
    expect(otherText).toContain('The message was not saved')
    expect([invalid, otherText].map((page) => page.includes('send it again to save it'))).toEqual([false, true])
    expect(home('fr', { problem: OTHER_TEXT })).toContain('renvoyez-le pour l’enregistrer')
  })

  it('offers the other language, except where changing would lose what was typed', () => {
    expect(home('en')).toContain('<a href="/?lang=fr" lang="fr" hreflang="fr">Français</a>')
    expect(home('en', { problem: TIMEOUT })).not.toContain('lang=fr')
  })

  it('leaves out the records that were not read', () => {
    expect(home('en', { problem: TIMEOUT, records: undefined })).not.toContain('Newest records')
  })

  it('keeps the typed text out of links and titles', () => {
    const page = home('en', { problem: TIMEOUT, form: { message: 'secret words', idempotencyKey: 'k' } })
    expect(page.match(/secret words/g)).toHaveLength(1)
  })
})

describe('recordsPage', () => {
  it('leads to older records by key, and back to the newest, in the chosen language', () => {
    const page = records('fr')
    expect(page).toContain('href="/records?before=8&amp;lang=fr"')
    expect(page).toContain('href="/records?lang=fr"')
    expect(page).toContain('<a href="/records?before=10&amp;lang=en" lang="en"')
    expect(page).toContain('Cette page est passée par frontend2, backend1 et db3.')
  })

  it('has no links to pages that do not exist', () => {
    expect(records('en', { next: null, before: undefined })).not.toContain('page-link')
    expect(records('en', { next: null })).not.toContain('rel="next"')
  })

  it('tells an empty store from the end of the list', () => {
    expect(records('en', { records: [], next: null, before: undefined })).toContain('No records yet')
    expect(records('en', { records: [], next: null })).toContain('There are no older records.')
  })
})

describe('problemPage', () => {
  it('says in French what the document says in English, and marks what stays English', () => {
    const page = problem('fr', TIMEOUT)
    expect(page).toContain('<h1>Pas de réponse à temps</h1>')
    expect(page).toContain('<span lang="en">No answer within 3000 ms.</span>')
    expect(page).toContain('<code>req-7</code>')
  })

  it('shows a document that it does not know as it is', () => {
    expect(problem('fr', { ...UNLISTED, title: 'Teapot' })).toContain('<h1>Teapot</h1>')
  })

  it('does not repeat in English what it has said in French', () => {
    expect(
      problem('fr', { ...TIMEOUT, detail: 'The next tier did not answer in time: a write may have happened, or may still happen.' }),
    ).not.toContain('lang="en"')
  })
})

const VOID = new Set(['meta', 'link', 'input', 'br', 'hr'])
const INSIDE: Readonly<Record<string, RegExp>> = {
  li: /^(ul|ol)$/,
  summary: /^details$/,
  path: /^svg$/,
  circle: /^svg$/,
}
const PHRASING_ONLY = new Set(['p', 'h1', 'h2', 'span', 'a', 'label', 'summary', 'code', 'strong', 'button', 'time', 'title'])
const BLOCK = /^(p|h1|h2|div|ul|ol|li|section|article|details|form|nav|header|footer|main)$/

/** Tags left open or closed in the wrong order, blocks inside phrases, items outside lists, bare "<". */
function nestingErrors(page: string): string[] {
  const errors: string[] = []
  const open: string[] = []
  for (const [tag, closing, name] of page.replace('<!doctype html>', '').matchAll(/<(\/?)([a-z][a-z0-9]*)?[^>]*>?/g)) {
    if (name === undefined) errors.push(`bare ${tag}`)
    else if (closing) {
      if (open.pop() !== name) errors.push(`unexpected ${tag}`)
    } else {
      const parent = open.at(-1) ?? ''
      if (INSIDE[name] && !INSIDE[name].test(parent)) errors.push(`${tag} in <${parent}>`)
      if (/^(ul|ol)$/.test(parent) && name !== 'li') errors.push(`${tag} in <${parent}>`)
      if (BLOCK.test(name) && open.some((ancestor) => PHRASING_ONLY.has(ancestor))) errors.push(`${tag} in a phrase`)
      if (name === 'a' && open.includes('a')) errors.push(`${tag} in <a>`)
      if (!VOID.has(name)) open.push(name)
    }
  }
  return [...errors, ...open.map((name) => `<${name}> is left open`)]
}
