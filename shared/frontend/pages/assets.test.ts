import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ASSETS, STYLE } from './assets.ts'

describe('ASSETS', () => {
  it('have an address and a tag that their content alone decides', () => {
    for (const { path, hash, href, etag, headers, body } of ASSETS) {
      expect(body.length).toBeGreaterThan(100)
      expect(hash).toBe(createHash('sha256').update(body).digest('base64url').slice(0, 16))
      expect([href, etag]).toEqual([`${path}?v=${hash}`, `"${hash}"`])
      expect(headers).toMatchObject({ etag })
    }
  })

  it('load nothing from elsewhere', () => {
    for (const { body } of ASSETS) expect(body.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|@import|url\(/)
  })
})

/** Text on ground, as the stylesheet pairs them. */
const TEXT_PAIRS = [
  ['ink', 'ground'],
  ['ink', 'surface'],
  ['muted', 'ground'],
  ['muted', 'surface'],
  ['muted', 'raised'],
  ['ink', 'raised'],
  ['read', 'ground'],
  ['read', 'surface'],
  ['read', 'raised'],
  ['read', 'good-soft'],
  ['on-read', 'read'],
  ['write', 'write-soft'],
  ['good', 'good-soft'],
  ['bad', 'bad-soft'],
  ['ink', 'good-soft'],
  ['muted', 'good-soft'],
  ['ink', 'write-soft'],
  ['ink', 'bad-soft'],
] as const

describe.each([
  ['light', STYLE.body.slice(0, STYLE.body.indexOf('@media'))],
  ['dark', STYLE.body.slice(STYLE.body.indexOf('@media screen and (prefers-color-scheme: dark)')).split('}', 1)[0]!],
])('the %s scheme', (_scheme, css) => {
  it.each(TEXT_PAIRS)('sets %s on %s with the contrast that WCAG 2 AA asks of text', (text, ground) => {
    expect(contrast(colour(css, text), colour(css, ground))).toBeGreaterThanOrEqual(4.5)
  })

  it.each(['line-strong', 'read', 'write'])('draws %s with the contrast asked of lines that mean something', (line) => {
    expect(contrast(colour(css, line), colour(css, 'surface'))).toBeGreaterThanOrEqual(3)
  })
})

function colour(css: string, name: string): number[] {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6});`).exec(css)?.[1]
  if (hex === undefined) throw new Error(`--${name} is not in this scheme`)
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
}

/** WCAG 2, "contrast ratio" of relative luminances. */
function contrast(a: number[], b: number[]): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light! + 0.05) / (dark! + 0.05)
}

function luminance(rgb: number[]): number {
  const [red, green, blue] = rgb.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
