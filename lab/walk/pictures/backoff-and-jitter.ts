/**
 * When do clients that one failure hit come back? The same two hundred of them, with no jitter, equal jitter and full jitter.
 *
 * The delays come from the code that the product retries with (`backoff.ts`): its bound is the delay without jitter, its draw is full jitter, and equal jitter is half of each.
 * The random numbers have a seed, so that the picture changes when the code does and at no other time.
 */
import { backoffBoundMs, fullJitterMs, type Backoff } from '@relais/shared/resilience/backoff.ts'
import type { Picture } from '../draw-pictures.ts'

const CLIENTS = 200
const OUTAGE_MS = 3_000
const SHOWN_MS = 7_000
const BIN_MS = 50
const SEED = 20_250_309
const BACKOFF: Backoff = { baseMs: 100, capMs: 3_200 }

type Delay = (attempt: number, random: () => number) => number

const WAYS: readonly { readonly title: string; readonly delay: Delay }[] = [
  { title: 'no jitter: min(cap, base · 2ⁿ⁻¹)', delay: (attempt) => backoffBoundMs(BACKOFF, attempt) },
  {
    title: 'equal jitter: half of it, and up to the other half',
    delay: (attempt, random) => backoffBoundMs(BACKOFF, attempt) / 2 + fullJitterMs(BACKOFF, attempt, random) / 2,
  },
  { title: 'full jitter: anything from 0 to it', delay: (attempt, random) => fullJitterMs(BACKOFF, attempt, random) },
]

export const picture: Picture = {
  file: 'backoff-and-jitter.svg',
  draw: () => Promise.resolve(svg(WAYS.map(({ title, delay }) => ({ title, bins: retriesPerBin(delay, lehmer(SEED)) })))),
}

/** Retries in each `BIN_MS` after the failure: every client called at 0, and calls again after each delay, until its call falls behind the outage. */
function retriesPerBin(delay: Delay, random: () => number): number[] {
  const bins = Array.from({ length: SHOWN_MS / BIN_MS }, () => 0)
  for (let client = 0; client < CLIENTS; client++) {
    let atMs = 0
    for (let attempt = 1; ; attempt++) {
      const bin = Math.floor(atMs / BIN_MS)
      if (attempt > 1 && bin < bins.length) bins[bin]!++
      if (atMs >= OUTAGE_MS) break
      atMs += delay(attempt, random)
    }
  }
  return bins
}

/** Park and Miller's generator: enough for a picture. */
function lehmer(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const WIDTH = 760
const PANEL = { height: 130, gap: 56, left: 48, top: 64 }

interface Panel {
  readonly title: string
  readonly bins: readonly number[]
}

function svg(panels: readonly Panel[]): string {
  const height = PANEL.top + panels.length * (PANEL.height + PANEL.gap)
  const words = `Each client tries again after each delay, base ${BACKOFF.baseMs} ms, cap ${BACKOFF.capMs} ms, until the server is back (grey: it is away).`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<title>Retries of ${CLIENTS} clients after one failure, with three kinds of backoff</title>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="${PANEL.left}" y="24" font-size="15" font-weight="bold" fill="#222222">Retries of ${CLIENTS} clients that one failure hit at 0 s, per ${BIN_MS} ms</text>
<text x="${PANEL.left}" y="42" font-size="11" fill="#555555">${words}</text>
${panels.map((panel, index) => panelSvg(panel, PANEL.top + index * (PANEL.height + PANEL.gap))).join('\n')}
</svg>
`
}

function panelSvg({ title, bins }: Panel, top: number): string {
  const width = WIDTH - PANEL.left - 16
  const bottom = top + PANEL.height + 16
  const scaleX = width / bins.length
  const x = (ms: number): number => PANEL.left + (ms / BIN_MS) * scaleX
  const bars = bins.map((calls, index) => {
    const high = (calls / CLIENTS) * PANEL.height
    if (calls === 0) return ''
    return `<rect x="${x(index * BIN_MS).toFixed(1)}" y="${(bottom - high).toFixed(1)}" width="${(scaleX - 0.6).toFixed(1)}" height="${high.toFixed(1)}"/>`
  })
  const seconds = Array.from({ length: SHOWN_MS / 1000 + 1 }, (_, second) => {
    return `<text x="${x(second * 1000).toFixed(1)}" y="${bottom + 15}" text-anchor="middle">${second} s</text>`
  })
  // The first second is much the same everywhere: bounds are still small. What matters is whether the waves dissolve.
  const peak = Math.max(...bins.slice(1000 / BIN_MS))
  return `<g font-size="11" fill="#555555">
<rect x="${PANEL.left}" y="${top + 16}" width="${(x(OUTAGE_MS) - PANEL.left).toFixed(1)}" height="${PANEL.height}" fill="#eeeeee"/>
<text x="${PANEL.left}" y="${top + 8}" font-size="13" fill="#222222">${title}; highest wave after the first second: ${peak} calls</text>
<g fill="#2f6db3">${bars.filter(Boolean).join('\n')}</g>
<line x1="${PANEL.left}" y1="${bottom}" x2="${PANEL.left + width}" y2="${bottom}" stroke="#888888"/>
<text x="${PANEL.left - 6}" y="${top + 26}" text-anchor="end">${CLIENTS}</text>
<text x="${PANEL.left - 6}" y="${bottom}" text-anchor="end">0</text>
${seconds.join('')}
</g>`
}
