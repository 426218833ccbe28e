/**
 * `If-Match` and `If-None-Match` of a write to one record (RFC 9110, section 13.1): a write that must not be made is not made.
 *
 * Records have no entity tags, so little is left to compare: no listed tag is one of theirs, and `*` is any record that is there.
 */
import { IF_MATCH, IF_NONE_MATCH } from '../http/headers.ts'
import { headerOf, type ServiceContext } from '../http/service.ts'

/** Once, or in several lines, which Node and Nginx join. */
const ANY = /^\*(?:\s*,\s*\*)*$/

/** What a record that is there cannot meet, in a few words; `undefined` where nothing speaks against the write. An empty header is none, as to Nginx. */
export function unmetPrecondition(c: ServiceContext): string | undefined {
  const ifMatch = headerOf(c, IF_MATCH)
  if (ifMatch && ifMatch !== '*') return 'If-Match lists entity tags, and records have none; expected *'
  if (ANY.test(headerOf(c, IF_NONE_MATCH) ?? '')) return 'If-None-Match: * asks for a record that is not there'
  return undefined
}
