/**
 * When do clients that one failure hit come back? The same two hundred of them, with no jitter, equal jitter and full jitter: `retry-waves.ts`, drawn.
 */
import { BIN_MS, JITTER_WORDS, JITTERS, retryWaves, type Waves } from '../../storm/retry-waves.ts'
import type { Picture } from '../draw-pictures.ts'

const CLIENTS = 200
const OUTAGE_MS = 3_000
const SHOWN_MS = 7_000
const SEED = 20_250_309
const BACKOFF = { baseMs: 100, capMs: 3_200 }

export const picture: Picture = {
  file: 'backoff-and-jitter.svg',
  draw: () =>
    Promise.resolve(
      svg(
        JITTERS.map((jitter) => ({
          title: JITTER_WORDS[jitter],
          waves: retryWaves({ jitter, clients: CLIENTS, outageMs: OUTAGE_MS, backoff: BACKOFF, seed: SEED }),
        })),
      ),
    ),
}

const WIDTH = 760
const PANEL = { height: 130, gap: 56, left: 48, top: 64 }

interface Panel {
  readonly title: string
  readonly waves: Waves
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

function panelSvg({ title, waves }: Panel, top: number): string {
  const bins = Array.from({ length: SHOWN_MS / BIN_MS }, (_, bin) => waves.bins[bin] ?? 0)
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
  return `<g font-size="11" fill="#555555">
<rect x="${PANEL.left}" y="${top + 16}" width="${(x(OUTAGE_MS) - PANEL.left).toFixed(1)}" height="${PANEL.height}" fill="#eeeeee"/>
<text x="${PANEL.left}" y="${top + 8}" font-size="13" fill="#222222">${title}; highest wave after the first second: ${waves.highestWave} calls</text>
<g fill="#2f6db3">${bars.filter(Boolean).join('\n')}</g>
<line x1="${PANEL.left}" y1="${bottom}" x2="${PANEL.left + width}" y2="${bottom}" stroke="#888888"/>
<text x="${PANEL.left - 6}" y="${top + 26}" text-anchor="end">${CLIENTS}</text>
<text x="${PANEL.left - 6}" y="${bottom}" text-anchor="end">0</text>
${seconds.join('')}
</g>`
}
