/**
 * The stylesheet and the icon, read once when the process starts.
 *
 * They are files of their own because the pages' Content-Security-Policy allows no inline style. Their addresses carry a hash
 * of their content, so that a browser asks once and never again. That is not only for speed: with three
 * frontends in round-robin order, a page that fetched two files each time would meet the same frontend at every
 * reload, and the load balancer would look broken.
 *
 * While frontends are replaced one after the other, the page of a new one may get its stylesheet from an old one, which has only the
 * old content. A browser that kept it for a year under the new address would show the new pages in the old style all that time: so
 * only an address with this very content's hash may be kept.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Asset {
  /** The route: `/assets/style.css`. */
  readonly path: string
  /** Of the content. */
  readonly hash: string
  /** What pages link to: the path and the content's hash as query. */
  readonly href: string
  readonly body: string
  /** Quoted, as `ETag` and `If-None-Match` have it. */
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
}

export const STYLE = readAsset('style.css', 'text/css; charset=utf-8')
export const FAVICON = readAsset('favicon.svg', 'image/svg+xml; charset=utf-8')

export const ASSETS: readonly Asset[] = [STYLE, FAVICON]

function readAsset(name: string, contentType: string): Asset {
  const body = readFileSync(new URL(name, import.meta.url), 'utf8')
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  const path = `/assets/${name}`
  const etag = `"${hash}"`
  const headers = {
    'content-type': contentType,
    etag,
    'x-content-type-options': 'nosniff',
  }
  return { path, hash, href: `${path}?v=${hash}`, body, etag, headers }
}
