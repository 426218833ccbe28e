/**
 * A request's body as bytes, 64 KiB at most, however the client announces it.
 *
 * A declared length is refused before a byte is read; a chunked body is counted while it arrives, so a client that
 * lies, or never ends, costs no more than the limit.
 */
import type { ServiceContext } from './service.ts'
import { Problem } from './problem.ts'

const BODY_BYTES_MAX = 64 * 1024

export async function readBody(c: ServiceContext, bytesMax = BODY_BYTES_MAX): Promise<Uint8Array<ArrayBuffer>> {
  const coding = c.req.header('content-encoding')
  if (coding !== undefined && coding !== 'identity') {
    throw new Problem('unsupported-media-type', { detail: `found Content-Encoding ${JSON.stringify(coding)}, expected none` })
  }
  const declared = c.req.header('content-length')
  if (declared !== undefined && Number(declared) > bytesMax) throw tooLarge(bytesMax, `a body of ${declared} bytes`)
  try {
    return declared === undefined ? await readCounted(c.req.raw.body, bytesMax) : new Uint8Array(await c.req.arrayBuffer())
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('malformed-request', { detail: 'the body ended before its announced end', cause: error })
  }
}

async function readCounted(stream: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  if (!stream) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLarge(bytesMax, 'more')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function tooLarge(bytesMax: number, found: string): Problem {
  return new Problem('body-too-large', { detail: `found ${found}, expected at most ${bytesMax} bytes`, headers: { Connection: 'close' } })
}
