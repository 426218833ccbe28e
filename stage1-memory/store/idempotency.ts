/**
 * Which writes were already made, by their idempotency key, so that a repeat has one effect and the same answer.
 *
 * The keys are part of the replicated history: a primary that lost its memory and recovered from a replica would
 * otherwise take the repeat of an acknowledged write for a new one. Bounded in number, size and age; a key that was
 * forgotten is taken for new, which is why the bounds are stated to clients (docs/ARCHITECTURE.md).
 */
import { z } from 'zod'

const KEYS_MAX = 100_000
/** UTF-16 units of keys and messages: 64 MiB at most. The history alone decides what is forgotten, so all nodes know the same keys. */
const CHARACTERS_MAX = 32 * 1024 * 1024
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
  readonly #charactersMax: number
  #characters = 0

  constructor(keysMax = KEYS_MAX, charactersMax = CHARACTERS_MAX) {
    this.#keysMax = keysMax
    this.#charactersMax = charactersMax
  }

  get(key: string, nowMs: number): KeptAnswer | undefined {
    const answer = this.#answers.get(key)
    return answer && nowMs - answer.atMs <= LIFETIME_MS ? answer : undefined
  }

  add(answer: KeptAnswer): void {
    this.#forget(this.#answers.get(answer.key))
    this.#answers.set(answer.key, answer)
    this.#characters += charactersOf(answer)
    for (const oldest of this.#answers.values()) {
      if (this.#answers.size <= this.#keysMax && this.#characters <= this.#charactersMax) return
      this.#forget(oldest)
    }
  }

  toArray(): KeptAnswer[] {
    return [...this.#answers.values()]
  }

  #forget(answer: KeptAnswer | undefined): void {
    if (answer === undefined || !this.#answers.delete(answer.key)) return
    this.#characters -= charactersOf(answer)
  }
}

function charactersOf({ key, message }: KeptAnswer): number {
  return key.length + (message?.length ?? 0)
}
