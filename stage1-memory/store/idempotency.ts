/**
 * Which writes were already made, by their idempotency key, so that a repeat has one effect and the same answer.
 *
 * The keys are part of the replicated history: a primary that lost its memory and recovered from a replica would
 * otherwise take the repeat of an acknowledged write for a new one. Bounded in number and in age; a key that was
 * forgotten is taken for new, which is why the bounds are stated to clients (docs/ARCHITECTURE.md).
 */
import { z } from 'zod'

const KEYS_MAX = 100_000
const LIFETIME_MS = 15 * 60 * 1000

export const keptAnswerSchema = z.object({
  key: z.string(),
  type: z.enum(['insert', 'replace', 'remove']),
  id: z.int(),
  /** `null` for a removal. */
  message: z.string().nullable(),
  lsn: z.int(),
  createdAtMs: z.int(),
  atMs: z.int(),
  origin: z.string(),
})

export type KeptAnswer = z.infer<typeof keptAnswerSchema>

export class IdempotencyKeys {
  /** In order of arrival, so the oldest is first. */
  readonly #answers = new Map<string, KeptAnswer>()
  readonly #keysMax: number

  constructor(keysMax = KEYS_MAX) {
    this.#keysMax = keysMax
  }

  get(key: string, nowMs: number): KeptAnswer | undefined {
    const answer = this.#answers.get(key)
    return answer && nowMs - answer.atMs <= LIFETIME_MS ? answer : undefined
  }

  add(answer: KeptAnswer): void {
    this.#answers.delete(answer.key)
    this.#answers.set(answer.key, answer)
    if (this.#answers.size <= this.#keysMax) return
    const oldest = this.#answers.keys().next()
    if (!oldest.done) this.#answers.delete(oldest.value)
  }

  toArray(): KeptAnswer[] {
    return [...this.#answers.values()]
  }
}
