/**
 * The tiers as a picture: who could have served the request, and who did.
 *
 *        your browser
 *        (frontend-lb)
 *     frontend1 [frontend2] frontend3     6.1 ms
 *        (backend-lb)
 *      …
 *
 * Each tier is a row of equal columns. The wires between two rows are one SVG, stretched to the row's width, whose curves
 * end at the middle of each column; only the stylesheet gives them colours. A screen reader meets a list of tiers with a
 * list of instances in each, and hears which of them served.
 */
import { html } from 'hono/html'
import type { Language } from './language.ts'
import type { Html } from './layout.ts'
import { MESSAGES } from './messages.ts'
import { wayPhrase } from './way-phrase.ts'
import { TIERS, UNKNOWN_WAY, type Tier, type Way } from './way.ts'

export interface WayView {
  readonly language: Language
  /** The page's own way; absent on the answer to a write that failed. */
  readonly read?: Way | undefined
  /** The way of the write that has just been made, or has just failed. */
  readonly write?: Way | undefined
  /** The request ended in an error: the picture says how far it came. */
  readonly failed: boolean
  /** Number of the database instance that takes the writes, where it is known. */
  readonly primaryNumber?: number | undefined
  /** Started with `--single`: one instance a tier, no load balancers. */
  readonly single: boolean
  /** Where "take another way" leads. */
  readonly againHref?: string | undefined
}

const INSTANCES_PER_TIER = 3

const NUMBERS: Readonly<Record<Language, { tenths: Intl.NumberFormat; whole: Intl.NumberFormat }>> = {
  en: numbersOf('en'),
  fr: numbersOf('fr'),
}

/** The section with heading, picture and the same in words. */
export function wayDiagram(view: WayView): Html {
  const text = MESSAGES[view.language]
  const again = html`<p class="again"><a class="page-link" href="${view.againHref}">${text.again}</a></p>`
  return html`<section class="way card" aria-labelledby="way">
    <div class="way-head">
      <h2 id="way">${view.failed ? text.wayHeadingFailed : text.wayHeading}</h2>
      ${legend(view)}
    </div>
    <ol class="tiers" role="list">
      <li class="browser"><span class="node">${text.browser}</span></li>
      ${TIERS.map((tier, index) => tierRow(view, tier, TIERS[index - 1]))}
    </ol>
    <p class="way-words">${words(view)}</p>
    ${view.againHref === undefined ? '' : again}
  </section>`
}

function legend({ language, read, write }: WayView): Html | string {
  if (!read || !write || write.instances.length === 0) return ''
  const text = MESSAGES[language]
  return html`<p class="legend" aria-hidden="true">
    <span class="key key-write">${text.write}</span> <span class="key key-read">${text.read}</span>
  </p>`
}

function words(view: WayView): string {
  const { language, failed, primaryNumber, single } = view
  const text = MESSAGES[language]
  const way = view.read ?? view.write ?? UNKNOWN_WAY
  const last = way.instances.at(-1)
  if (!last) return text.wayUnknown
  if (failed) return text.endedAt(`${last.tier}${last.number}`)
  const sentences = [text.readVia(wayPhrase(way, language))]
  if (Object.keys(way.spentMs).length > 1) sentences.push(text.timesInclude)
  if (primaryNumber !== undefined && !single) sentences.push(text.copied)
  return sentences.join(' ')
}

function tierRow(view: WayView, tier: Tier, tierAbove: Tier | undefined): Html {
  const columns = columnsOf(view, tier)
  const columnsAbove = tierAbove ? columnsOf(view, tierAbove) : 1
  const down = html`${balancer(tier)}${wires(columns, (column) => pathsOf(view, tier, column), 'fan')}`
  const numbers = Array.from({ length: columns }, (_, index) => index + 1)
  return html`<li class="tier">
    ${wires(columnsAbove, (column) => inwardPathsOf(view, tier, tierAbove, column), 'gather')} ${view.single ? '' : down}
    <ul class="instances" role="list">
      ${numbers.map((number) => instanceItem(view, tier, number))}
    </ul>
  </li>`
}

function balancer(tier: Tier): Html {
  return html`<p class="balancer"><span class="node">${tier}-lb</span></p>`
}

function instanceItem(view: WayView, tier: Tier, number: number): Html {
  const text = MESSAGES[view.language]
  const paths = pathsOf(view, tier, number)
  const role = roleOf(view, tier, number)
  const spentMs = paths.includes('read') ? view.read?.spentMs[tier] : undefined
  const notes = [paths.includes('read') && text.onReadWay, paths.includes('write') && text.onWriteWay].filter(Boolean).join(', ')
  const parts = [
    html`<span class="name">${tier}${number}</span>`,
    role === undefined ? '' : html` <span class="role">${role}</span>`,
    spentMs === undefined ? '' : html` <span class="spent">${milliseconds(spentMs, view.language)}</span>`,
    notes === '' ? '' : html` <span class="visually-hidden">(${notes})</span>`,
  ]
  return html`<li class="${['instance', ...paths].join(' ')}"><span class="node">${parts}</span></li>`
}

function roleOf({ language, primaryNumber, single }: WayView, tier: Tier, number: number): string | undefined {
  if (tier !== 'db' || primaryNumber === undefined || single) return undefined
  return number === primaryNumber ? MESSAGES[language].primary : MESSAGES[language].replica
}

type PathKind = 'read' | 'write'

/** Which of the drawn ways went through the instance. */
function pathsOf({ read, write }: WayView, tier: Tier, number: number): PathKind[] {
  const passes = (way: Way) => way.instances.some((instance) => instance.tier === tier && instance.number === number)
  return [...(read && passes(read) ? (['read'] as const) : []), ...(write && passes(write) ? (['write'] as const) : [])]
}

/** Which ways came from the column above into this tier; the browser is the one column above the first. */
function inwardPathsOf(view: WayView, tier: Tier, tierAbove: Tier | undefined, column: number): PathKind[] {
  const reaches = (way: Way | undefined) => way?.instances.some((instance) => instance.tier === tier) ?? false
  const into: PathKind[] = [...(reaches(view.read) ? (['read'] as const) : []), ...(reaches(view.write) ? (['write'] as const) : [])]
  if (tierAbove === undefined) return into
  return pathsOf(view, tierAbove, column).filter((kind) => into.includes(kind))
}

/** Three, or as many as the highest number that was seen; with `--single` one. */
function columnsOf({ read, write, single }: WayView, tier: Tier): number {
  if (single) return 1
  const seen = [...(read?.instances ?? []), ...(write?.instances ?? [])].filter((instance) => instance.tier === tier)
  return Math.max(INSTANCES_PER_TIER, ...seen.map(({ number }) => number))
}

/**
 * Curves between the middle of the row and the middle of each column: `fan` goes out, `gather` comes together. Those that
 * were taken are drawn last, above the others.
 */
function wires(columns: number, kindsOf: (column: number) => PathKind[], shape: 'fan' | 'gather'): Html {
  const width = columns * 100
  const numbers = Array.from({ length: columns }, (_, index) => index + 1)
  const curves = numbers.map((column) => {
    const [from, to] = shape === 'fan' ? [width / 2, column * 100 - 50] : [column * 100 - 50, width / 2]
    return { d: `M${from} 0C${from} 20 ${to} 20 ${to} 40`, kinds: kindsOf(column) }
  })
  const taken = (['read', 'write'] as const).flatMap((kind) =>
    curves.filter(({ kinds }) => kinds.includes(kind)).map(({ d }) => path(d, kind)),
  )
  return html`<svg class="wires" viewBox="0 0 ${width} 40" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    ${curves.map(({ d }) => path(d, 'idle'))}${taken}
  </svg>`
}

function path(d: string, kind: PathKind | 'idle'): Html {
  return html`<path class="${kind}" d="${d}"></path>`
}

function numbersOf(language: Language): { tenths: Intl.NumberFormat; whole: Intl.NumberFormat } {
  const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  return { tenths, whole: new Intl.NumberFormat(language, { maximumFractionDigits: 0 }) }
}

function milliseconds(value: number, language: Language): string {
  const { tenths, whole } = NUMBERS[language]
  return `${(value < 10 ? tenths : whole).format(value)}\u00a0ms`
}
