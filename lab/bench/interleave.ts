/**
 * Two ways of doing the same thing, measured in turn, so that a machine that slows down slows both.
 *
 *   A B │ B A │ A B │ B A …     one pair, one ratio; the ratios' geometric mean, and its 95 % interval
 *
 * A shared machine drifts by tens of percent within minutes: absolute figures from one session mean little, and two blocks
 * "first all A, then all B" mean less. The run is the unit, not the request: requests of one run share its luck.
 */
export interface Comparison {
  /** Geometric mean of A/B over the pairs. */
  readonly ratio: number
  readonly low: number
  readonly high: number
  readonly a: readonly number[]
  readonly b: readonly number[]
}

/** `a` and `b` return a rate, larger is better; `pairs` of them are run. */
export async function interleave(pairs: number, a: () => Promise<number>, b: () => Promise<number>): Promise<Comparison> {
  const resultsA: number[] = []
  const resultsB: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const isAFirst = pair % 2 === 0
    if (isAFirst) resultsA.push(await a())
    resultsB.push(await b())
    if (!isAFirst) resultsA.push(await a())
  }
  const logRatios = resultsA.map((rate, index) => Math.log(rate / resultsB[index]!))
  const [low, high] = bootstrapInterval(logRatios)
  return { ratio: Math.exp(mean(logRatios)), low: Math.exp(low), high: Math.exp(high), a: resultsA, b: resultsB }
}

export function describeComparison(name: string, { ratio, low, high, a, b }: Comparison): string {
  const rates = `A ${Math.round(median(a))}/s, B ${Math.round(median(b))}/s (medians of ${a.length})`
  return `${name}: A/B ${ratio.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]   ${rates}`
}

export function median(values: readonly number[]): number {
  const ascending = values.toSorted((x, y) => x - y)
  const middle = ascending.length >> 1
  return ascending.length % 2 === 1 ? ascending[middle]! : (ascending[middle - 1]! + ascending[middle]!) / 2
}

const RESAMPLES = 10_000

/** The percentile bootstrap of the mean, 95 %. */
function bootstrapInterval(values: readonly number[]): [number, number] {
  const random = mulberry32(values.length)
  const means = Array.from({ length: RESAMPLES }, () => mean(values.map(() => values[Math.floor(random() * values.length)]!)))
  means.sort((x, y) => x - y)
  return [means[Math.floor(RESAMPLES * 0.025)]!, means[Math.floor(RESAMPLES * 0.975)]!]
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** A small seeded generator, so that the same measurements give the same interval. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
