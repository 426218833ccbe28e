/**
 * A write passed on under an idempotency key: the client's, or one made here.
 *
 * Whatever becomes of the call, the answer shows the key. That matters most when there is no answer from the next tier:
 * the outcome is unknown then, and the key is what makes the repeat safe.
 */
import { randomUUID } from 'node:crypto'
import { IDEMPOTENCY_KEY } from './headers.ts'
import { askNextTier, type PassedOn } from './pass-on.ts'
import { Problem } from './problem.ts'
import { parseIdempotencyKey } from './record-input.ts'
import { headerOf, type ServiceContext } from './service.ts'
import type { TierAnswer, TierClient } from './tier-client.ts'

export interface KeyedWrite extends PassedOn {
  /** Instead of the client's, where the write is not the one that the client asked for. */
  readonly key?: string
}

export interface KeyedAnswer {
  readonly answer: TierAnswer
  /** To be shown with the answer, whatever its status. */
  readonly keyHeader: Record<string, string>
}

/** Rejects with a `Problem` that carries the key when the next tier did not answer. */
export async function askToWrite(c: ServiceContext, tier: TierClient, { headers = {}, key, ...write }: KeyedWrite): Promise<KeyedAnswer> {
  const keyHeader = { [IDEMPOTENCY_KEY]: key ?? parseIdempotencyKey(headerOf(c, IDEMPOTENCY_KEY)) ?? randomUUID() }
  try {
    return { answer: await askNextTier(c, tier, { ...write, headers: { ...headers, ...keyHeader } }), keyHeader }
  } catch (error) {
    if (error instanceof Problem) Object.assign(error.headers, keyHeader)
    throw error
  }
}
