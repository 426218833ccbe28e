/**
 * When do clients that one failure hit come back? The same clients with three kinds of delay, in virtual time.
 *
 *   failure at 0 ─▶ [delay after attempt 1] ─▶ call ─▶ [delay after attempt 2] ─▶ call … until one falls behind the outage
 *
 * The delays come from the code that the product retries with (`backoff.ts`): its bound is the delay without jitter, its draw is full
 * jitter, and equal jitter is half of each. Only time is played: three seconds of outage take no time, and the same seed gives the same
 * waves, so that what is drawn changes when the code does and at no other time.
 */
import { backoffBoundMs, fullJitterMs, type Backoff } from '@relais/shared/resilience/backoff.ts'

export const JITTERS = ['none', 'equal', 'full'] as const
export type Jitter = (typeof JITTERS)[number]

type Delay = (backoff: Backoff, attempt: number, random: () => number) => number

export const JITTER_WORDS: Record<Jitter, string> = {
  none: 'no jitter: min(cap, base · 2ⁿ⁻¹)',
  equal: 'equal jitter: half of it, and up to the other half',
  full: 'full jitter: anything from 0 to it',
}

const DELAYS: Record<Jitter, Delay> = {
  none: backoffBoundMs,
  equal: (backoff, attempt, random) => backoffBoundMs(backoff, attempt) / 2 + fullJitterMs(backoff, attempt, random) / 2,
  full: fullJitterMs,
}

export interface WavesOptions {
  readonly jitter: Jitter
  readonly clients: number
  /** The server answers nobody until then, milliseconds after the failure. */
  readonly outageMs: number
  readonly backoff: Backoff
  readonly seed: number
}

export interface Waves {
  /** Retries in each `BIN_MS` after the failure; the first calls, which failed at 0, are none. */
  readonly bins: readonly number[]
  readonly calls: number
  /** Of these, the ones that came while the server was away. */
  readonly callsInVain: number
  /** The most retries in one bin, once the bounds have grown: in the first second all three are much alike. */
  readonly highestWave: number
}

export const BIN_MS = 50
const FIRST_BINS = 1_000 / BIN_MS

export function retryWaves({ jitter, clients, outageMs, backoff, seed }: WavesOptions): Waves {
  const random = lehmer(seed)
  const bins: number[] = []
  let calls = 0
  let callsInVain = 0
  for (let client = 0; client < clients; client++) {
    let atMs = 0
    for (let attempt = 1; atMs < outageMs; attempt++) {
      atMs += DELAYS[jitter](backoff, attempt, random)
      const bin = Math.floor(atMs / BIN_MS)
      while (bins.length <= bin) bins.push(0)
      bins[bin]!++
      calls++
      if (atMs < outageMs) callsInVain++
    }
  }
  return { bins, calls, callsInVain, highestWave: Math.max(0, ...bins.slice(FIRST_BINS)) }
}

/** Park and Miller's generator: enough for a picture. */
function lehmer(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
