/**
 * The signature that tells a call of a node of this cluster from anybody else's.
 *
 *   X-Relais-Signature: TIME_MS.hex(HMAC-SHA256(secret, "METHOD\nPATH\nTIME_MS\nhex(SHA-256(body))"))
 *
 * `/api/replicate` writes into a replica past every check of the upper tiers, so it must not depend on who can reach a
 * port. The time bounds how long a recorded call can be replayed; a replay within it has no effect, as a replica
 * recognises what it already has. A fan-out replica does not, which is one more reason not to use that mechanism.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export const SIGNATURE = 'x-relais-signature'
const CLOCK_SKEW_MS_MAX = 30_000

export interface SignedCall {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly body: string | Uint8Array
}

export class Signer {
  readonly #secret: Buffer
  readonly #nowMs: () => number

  /** `secret` in hexadecimal, 32 bytes or more. */
  constructor(secret: string, nowMs: () => number = Date.now) {
    if (!/^(?:[0-9a-f]{2}){32,}$/i.test(secret)) throw new Error('the cluster secret must be 32 bytes or more in hexadecimal')
    this.#secret = Buffer.from(secret, 'hex')
    this.#nowMs = nowMs
  }

  sign(call: SignedCall): string {
    const timeMs = String(this.#nowMs())
    return `${timeMs}.${this.#mac(call, timeMs).toString('hex')}`
  }

  /** Whether `signature` was made for this very call, by this cluster, just now. */
  isGenuine(signature: string | undefined, call: SignedCall): boolean {
    const match = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(signature ?? '')
    if (!match) return false
    const [, timeMs, mac] = match
    if (Math.abs(this.#nowMs() - Number(timeMs)) > CLOCK_SKEW_MS_MAX) return false
    return timingSafeEqual(this.#mac(call, timeMs!), Buffer.from(mac!, 'hex'))
  }

  #mac({ method, path, body }: SignedCall, timeMs: string): Buffer {
    const digest = createHash('sha256').update(body).digest('hex')
    return createHmac('sha256', this.#secret).update(`${method}\n${path}\n${timeMs}\n${digest}`).digest()
  }
}
