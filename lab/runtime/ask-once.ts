/**
 * One GET over a connection of its own, with a deadline.
 *
 * Not `fetch`: that keeps its connections, and each one kept to a service holds up the service's orderly end until it has been
 * silent long enough; a lab that asks "are you ready?" must not be what makes `down` slow.
 */
import { get } from 'node:http'

export interface OnceAnswer {
  readonly status: number
  readonly text: string
}

const ANSWER_BYTES_MAX = 1024 * 1024

/** Rejects when there is no complete answer within `deadlineMs`. */
export function askOnce(url: string, deadlineMs: number): Promise<OnceAnswer> {
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      { agent: false, signal: AbortSignal.timeout(deadlineMs), headers: { accept: 'application/json' } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (text.length > ANSWER_BYTES_MAX) response.destroy(new Error(`an answer above ${ANSWER_BYTES_MAX} bytes`))
        })
        response.once('end', () => resolve({ status: response.statusCode!, text }))
        response.once('error', reject)
      },
    )
    request.once('error', reject)
  })
}
