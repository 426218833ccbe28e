/**
 * Randomness that can be repeated: the seed is printed, and `RELAIS_TEST_SEED` gives it back.
 *
 * What real processes do with it is not repeated, only what the test asks of them. Source of the generator: mulberry32, Tommy Ettinger.
 */
export interface Random {
  readonly seed: number
  /** From 0 to below 1. */
  next(): number
  /** One of the values. */
  pick<T>(values: readonly T[]): T
}

export function seededRandom(title: string): Random {
  const seed = Number(process.env['RELAIS_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${title}: RELAIS_TEST_SEED=${seed}`)
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { seed, next, pick: (values) => values[Math.floor(next() * values.length)]! }
}
