/**
 * A JSON body, parsed strictly: right media type, valid UTF-8, bounded nesting.
 *
 * Hono's `c.req.json()` is too kind for a database. It replaces invalid UTF-8 by U+FFFD, so what is stored is not what
 * was sent; and it accepts nesting that `JSON.stringify` cannot write back, so one accepted body stops replication.
 */
import type { ServiceContext } from './service.ts'
import { Problem } from './problem.ts'
import { readBody } from './read-body.ts'

const DEPTH_MAX = 32
/** What is longer is none of ours; a pattern that ends in optional blanks would look at a long run of them again and again. */
const MEDIA_TYPE_CHARACTERS_MAX = 100
const MEDIA_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i

/** Rejects with 413, 415 or 400. */
export async function readJson(c: ServiceContext): Promise<unknown> {
  const mediaType = c.req.header('content-type')
  if (mediaType === undefined || mediaType.length > MEDIA_TYPE_CHARACTERS_MAX || !MEDIA_TYPE.test(mediaType)) {
    const found = mediaType === undefined ? 'no Content-Type' : JSON.stringify(mediaType.slice(0, MEDIA_TYPE_CHARACTERS_MAX))
    throw new Problem('unsupported-media-type', { detail: `found ${found}, expected application/json in UTF-8` })
  }
  return parseJson(await readBody(c))
}

/** Throws `malformed-request` with what is wrong. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch (error) {
    throw new Problem('malformed-request', { detail: 'the body is not valid UTF-8', cause: error })
  }
  if (nestingOf(text) > DEPTH_MAX) throw new Problem('malformed-request', { detail: `the JSON is nested deeper than ${DEPTH_MAX}` })
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem('malformed-request', { detail: 'the body is not valid JSON', cause: error })
  }
}

// `ignoreBOM` keeps a byte order mark, which JSON.parse then refuses, as RFC 8259 section 8.1 allows.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The deepest nesting of brackets outside strings; of malformed text, any number. */
function nestingOf(text: string): number {
  let depth = 0
  let deepest = 0
  let isInString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (isInString) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) isInString = false
    } else if (code === QUOTE) isInString = true
    else if (code === BRACE_OPEN || code === BRACKET_OPEN) deepest = Math.max(deepest, ++depth)
    else if (code === BRACE_CLOSE || code === BRACKET_CLOSE) depth--
  }
  return deepest
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET_OPEN = 0x5b
const BRACKET_CLOSE = 0x5d
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
