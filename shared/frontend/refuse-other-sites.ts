/**
 * Whether a write that needs no leave of the browser came from a page of ours.
 *
 * Any page in the visitor's browser can send a form here, with the cookies that we gave, and a form needs no leave to do so; browsers say
 * where it came from (Fetch Metadata, `Sec-Fetch-Site`). Programs say nothing, and no other site can make them send anything.
 */
import { Problem } from '../http/problem.ts'
import type { ServiceContext } from '../http/service.ts'

/** Throws `cross-site-form`. */
export function refuseOtherSites(c: ServiceContext): void {
  const from = c.req.header('sec-fetch-site')
  if (from !== undefined && from !== 'same-origin' && from !== 'none') throw new Problem('cross-site-form')
}
