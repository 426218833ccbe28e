/**
 * What the redirect after a submit says to the page that follows it.
 *
 *   POST /submit  →  303, Location: /?saved=42&by=DB1&via=frontend1,backend3,db1&at=1:42  →  GET /
 *
 * The redirect makes a reload harmless: it repeats the read and not the write. The next page may come from
 * another frontend, so what it shall say travels in the address, and `at` makes the replica that answers wait until
 * it has the record (read-your-writes without a cookie). An address can be typed by anyone: every part is checked.
 */
import { parsePosition } from '../../store/position.ts'
import { pageLink, type Carried } from './language.ts'
import { instanceNames, parseWay, UNKNOWN_WAY, type Way } from './way.ts'

export interface Saved {
  readonly id: number
  /** The node that took the write, "DB1". */
  readonly origin?: string | undefined
  /** The write's own way; the page's is another. */
  readonly way: Way
  /** `X-Session-Token` of the write's answer, for the read that follows. */
  readonly sessionToken?: string | undefined
}

/** The `Location` of the 303. */
export function savedLocation(saved: Saved, choice: Carried): string {
  const parameters: Record<string, string | number> = { saved: saved.id }
  if (saved.origin !== undefined) parameters['by'] = saved.origin
  if (saved.way.instances.length > 0) parameters['via'] = instanceNames(saved.way).join(' ')
  if (saved.sessionToken !== undefined) parameters['at'] = saved.sessionToken
  return pageLink('/', parameters, choice)
}

/** Reads it back; `undefined` without a valid `saved`, and without the parts that are not valid. */
export function parseSaved(query: URLSearchParams): Saved | undefined {
  const id = Number(/^[1-9]\d{0,15}$/.exec(query.get('saved') ?? '')?.[0])
  if (!Number.isSafeInteger(id)) return undefined
  return {
    id,
    origin: /^DB[1-9]$/.exec(query.get('by') ?? '')?.[0],
    way: query.has('via') ? parseWay(query.get('via')?.replaceAll(' ', ',')) : UNKNOWN_WAY,
    sessionToken: parseAt(query),
  }
}

/** The position that the address asks for, on any page; `undefined` without a valid one. */
export function parseAt(query: URLSearchParams): string | undefined {
  const token = query.get('at') ?? ''
  return parsePosition(token) ? token : undefined
}
