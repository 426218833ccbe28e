/**
 * The pages' routes: read what the page shows from the backend tier, answer with the document and a strict policy.
 *
 *   POST /submit ─▶ write ─▶ 303 /?saved=…&at=TOKEN ─▶ read at least that fresh ─▶ the page shows the record
 *
 * Every link of that page carries `at` on, so the pages that follow are as fresh.
 */
import { randomUUID } from 'node:crypto'
import { parseAccept, type Accept } from 'hono/utils/accept'
import { SESSION_TOKEN, IDEMPOTENCY_KEY } from '../http/headers.ts'
import { askNextTier } from '../http/pass-on.ts'
import { Problem, problemType } from '../http/problem.ts'
import { readBody } from '../http/read-body.ts'
import { instanceNumber } from '../http/settings.ts'
import type { Service, ServiceContext } from '../http/service.ts'
import type { TierAnswer, TierClient } from '../http/tier-client.ts'
import type { RecordJson } from '../database/record-json.ts'
import { ASSETS, type Asset } from './pages/assets.ts'
import { homePage } from './pages/home.ts'
import { chooseLanguage, pageLink } from './pages/language.ts'
import type { Html, PageView } from './pages/layout.ts'
import type { ProblemView } from './pages/problem-notice.ts'
import { problemPage } from './pages/problem.ts'
import { recordsPage } from './pages/records.ts'
import { parseAt, parseSaved, savedLocation } from './pages/saved.ts'
import { messageFromForm, type FormView } from './pages/submit-form.ts'
import { parseWay, type Way } from './pages/way.ts'
import { refuseOtherSites } from './refuse-other-sites.ts'

/** What stands behind the pages. */
interface Site {
  readonly backendTier: TierClient
  /** One instance a tier and no load balancer. */
  readonly single: boolean
}

interface PageOfRecords {
  readonly records: readonly RecordJson[]
  readonly next: number | null
}

/** What the backend tier answered: the value, or the problem and the headers that tell when to try again. */
type Asked<T> =
  | { readonly value: T; readonly answer: TierAnswer }
  | { readonly problem: ProblemView; readonly headers: Record<string, string> }

const RECORDS_ON_HOME = 10
const RECORDS_ON_PAGE = 20

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  vary: 'Accept, Accept-Language',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
}

export function mountPages(service: Service, site: Site): void {
  const { app } = service
  service.problemPage = (c, problem) => (prefersHtml(c) ? showThrown(c, site, problem) : undefined)
  app.get('/', (c) => showHome(c, site))
  // For whoever reloads the address that a form was sent to.
  app.get('/submit', (c) => c.env.exchange.answer(303, null, { location: pageLink('/', {}, choice(c)) }))
  app.post('/submit', (c) => submit(c, site))
  app.get('/records', (c) => showRecords(c, site, c.req.query('before')))
  for (const asset of ASSETS) app.get(asset.path, (c) => sendAsset(c, asset))
}

/** Whether the client wants HTML, and JSON no more than that. One that takes anything, as curl does, is a program. */
export function prefersHtml(c: ServiceContext): boolean {
  const ranges = parseAccept(c.req.header('accept') ?? '')
  const html = qualityOf(ranges, 'text/html', 'text/*')
  return html > 0 && html >= qualityOf(ranges, 'application/json', 'application/*', '*/*')
}

/** The quality that the first of the names has, the most specific one first (RFC 9110, section 12.5.1); 0 where none is there. */
function qualityOf(ranges: readonly Accept[], ...names: readonly string[]): number {
  const found = names.map((name) => ranges.find(({ type }) => type.toLowerCase() === name))
  return found.find((range) => range !== undefined)?.q ?? 0
}

/** The report's `GET /data` for a browser. */
export function showNewestRecords(c: ServiceContext, site: Site): Promise<Response> {
  return showRecords(c, site, undefined)
}

async function showHome(c: ServiceContext, site: Site): Promise<Response> {
  const saved = parseSaved(new URL(c.req.url).searchParams)
  const jsonHref = `/api/data?limit=${RECORDS_ON_HOME}`
  const asked = await ask<PageOfRecords>(c, site, 'GET', jsonHref, freshness(c))
  if ('problem' in asked) return showProblem(c, site, asked.problem, asked.headers)
  const { records } = asked.value
  // Which database is the primary is known here only from who took the newest record.
  const primaryNumber = records[0] && instanceNumber(records[0].origin)
  const view = { ...pageView(c, site, asked.answer), saved, records, jsonHref, primaryNumber, way: wayOf(c), form: newForm() }
  return send(c, 200, homePage(view))
}

async function showRecords(c: ServiceContext, site: Site, before: string | undefined): Promise<Response> {
  const query = new URLSearchParams({ limit: String(RECORDS_ON_PAGE), ...(before !== undefined && { before }) })
  const jsonHref = `/api/data?${query.toString()}`
  const asked = await ask<PageOfRecords>(c, site, 'GET', jsonHref, freshness(c))
  if ('problem' in asked) return showProblem(c, site, asked.problem, asked.headers)
  const { records, next } = asked.value
  const beforeId = before === undefined ? undefined : Number(before)
  return send(c, 200, recordsPage({ ...pageView(c, site, asked.answer), records, jsonHref, next, before: beforeId, way: wayOf(c) }))
}

async function submit(c: ServiceContext, site: Site): Promise<Response> {
  refuseOtherSites(c)
  const form = await readForm(c)
  const headers = { 'content-type': 'application/json', [IDEMPOTENCY_KEY]: form.idempotencyKey }
  const asked = await ask<RecordJson>(c, site, 'POST', '/api/data', headers, JSON.stringify({ message: form.message }))
  if ('problem' in asked) return showFailedSubmit(c, site, form, asked.problem, asked.headers)
  const { value, answer } = asked
  const sessionToken = header(answer, SESSION_TOKEN)
  const location = savedLocation({ id: value.id, origin: value.origin, way: wayOf(c), sessionToken }, choice(c))
  return c.env.exchange.answer(303, null, { location })
}

/**
 * The typed text stays in the form, and so does its key: sending it again is then the same write. Only where the key belongs to another
 * text what is sent next is a new write.
 *
 * A refusal is certain of its own attempt only. Where an earlier one under the key is unknown, so is the message's fate.
 */
function showFailedSubmit(
  c: ServiceContext,
  site: Site,
  sent: FormView,
  problem: ProblemView,
  headers: Record<string, string>,
): Promise<Response> {
  const isOtherText = problem.type === problemType('idempotency-key-reused')
  const mayBeSaved = !isOtherText && (sent.mayBeSaved === true || !problem.definite)
  const form = { message: sent.message, idempotencyKey: isOtherText ? randomUUID() : sent.idempotencyKey, mayBeSaved }
  const shown = { ...problem, definite: !mayBeSaved }
  return send(c, problem.status, homePage({ ...pageView(c, site), form, problem: shown, records: undefined, way: wayOf(c) }), headers)
}

async function readForm(c: ServiceContext): Promise<FormView> {
  const contentType = c.req.header('content-type') ?? ''
  if (!/^(?:multipart\/form-data|application\/x-www-form-urlencoded)\b/i.test(contentType)) {
    throw new Problem('unsupported-media-type', { detail: 'expected the data of a form' })
  }
  const body = await readBody(c)
  try {
    // Bytes that are no UTF-8 are replaced by the platform's parsers: what is stored must be what was sent.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    const data = isUrlencoded(contentType)
      ? parseUrlencoded(text)
      : await new Response(body, { headers: { 'content-type': contentType } }).formData()
    const message = data.get('message')
    const key = data.get('key')
    return {
      message: typeof message === 'string' ? messageFromForm(message) : '',
      idempotencyKey: typeof key === 'string' && /^[\x21-\x7e]{1,128}$/.test(key) ? key : randomUUID(),
      mayBeSaved: data.get('may-be-saved') === '1',
    }
  } catch (error) {
    throw new Problem('malformed-request', { detail: 'the body is not the data of a form', cause: error })
  }
}

function isUrlencoded(contentType: string): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(contentType)
}

/** Throws on escapes of bytes that are no UTF-8, which the platform's own parser would replace. */
function parseUrlencoded(text: string): URLSearchParams {
  decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'))
  return new URLSearchParams(text)
}

function newForm(): FormView {
  return { message: '', idempotencyKey: randomUUID() }
}

async function ask<T>(
  c: ServiceContext,
  { backendTier }: Site,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Asked<T>> {
  try {
    const answer = await askNextTier(c, backendTier, { method, path, headers, body })
    const value = JSON.parse(answer.body.toString()) as unknown
    return answer.status < 300 ? { value: value as T, answer } : { problem: value as ProblemView, headers: retryAfterOf(answer) }
  } catch (error) {
    if (error instanceof Problem) return { problem: error.toDocument(c.env.exchange.requestId), headers: error.headers }
    if (!(error instanceof SyntaxError)) throw error
    const problem = new Problem('upstream-cut', { detail: 'the answer is not JSON', definite: method === 'GET', cause: error })
    return { problem: problem.toDocument(c.env.exchange.requestId), headers: problem.headers }
  }
}

function retryAfterOf(answer: TierAnswer): Record<string, string> {
  const value = header(answer, 'retry-after')
  return value === undefined ? {} : { 'retry-after': value }
}

function showThrown(c: ServiceContext, site: Site, problem: Problem): Promise<Response> {
  const document = problem.toDocument(c.env.exchange.requestId)
  return showProblem(c, site, document, problem.headers)
}

function showProblem(c: ServiceContext, site: Site, problem: ProblemView, headers: Record<string, string> = {}): Promise<Response> {
  return send(c, problem.status, problemPage({ ...pageView(c, site), problem, way: wayOf(c) }), headers)
}

async function send(c: ServiceContext, status: number, page: Html, headers: Record<string, string> = {}): Promise<Response> {
  return c.env.exchange.answer(status, String(await page), { ...headers, ...PAGE_HEADERS })
}

/** To be kept for a year only under the address that names this content, and otherwise asked for again (assets.ts). */
function sendAsset(c: ServiceContext, asset: Asset): Response {
  const isKnown = namesTag(c.req.header('if-none-match') ?? '', asset.etag)
  const caching = c.req.query('v') === asset.hash ? 'public, max-age=31536000, immutable' : 'no-cache'
  return c.env.exchange.answer(isKnown ? 304 : 200, isKnown ? null : asset.body, { ...asset.headers, 'cache-control': caching })
}

/** A list of entity tags, or "*", is compared weakly (RFC 9110, section 13.1.2): a tag and its `W/` form are the same. */
function namesTag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.trim() === '*' || [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(([tag]) => tag === etag)
}

function pageView(c: ServiceContext, { single }: Site, answer?: TierAnswer): PageView {
  const sessionToken = answer && header(answer, SESSION_TOKEN)
  return { choice: choice(c), stage: c.env.stage, single, sessionToken }
}

function choice(c: ServiceContext): PageView['choice'] {
  return { ...chooseLanguage(c.req.header('accept-language'), c.req.query('lang')), at: at(c) }
}

function at(c: ServiceContext): string | undefined {
  return parseAt(new URL(c.req.url).searchParams)
}

/** Reads at least as far as the visitor has written. */
function freshness(c: ServiceContext): Record<string, string> {
  const token = at(c)
  return token === undefined ? {} : { [SESSION_TOKEN]: token }
}

/** The way of the call that was just made, this frontend included. */
function wayOf(c: ServiceContext): Way {
  return parseWay(c.env.exchange.servedBy, c.env.exchange.serverTiming)
}

function header(answer: TierAnswer, name: string): string | undefined {
  const value = answer.headers[name]
  return typeof value === 'string' ? value : undefined
}
