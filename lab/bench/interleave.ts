/**
 * Two ways of doing the same thing, measured in turn, so that a machine that slows down slows both.
 *
 *   A B │ B A │ A B │ B A …     what is made of the pairs: statistics/paired-ratio.ts
 */
import { median } from 'simple-statistics'
import { pairedRatio, type Ratio } from './statistics/paired-ratio.ts'

export interface Comparison {
  /** Null with fewer than two pairs. */
  readonly ratio: Ratio | null
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
  return { ratio: pairedRatio(resultsA, resultsB), a: resultsA, b: resultsB }
}

export function describeComparison(name: string, { ratio, a, b }: Comparison): string {
  const interval = ratio ? `A/B ${ratio.ratio.toFixed(2)} [${ratio.low.toFixed(2)}, ${ratio.high.toFixed(2)}]` : 'A/B: two pairs are needed'
  const rates = `A ${Math.round(median([...a]))}/s, B ${Math.round(median([...b]))}/s (medians of ${a.length})`
  return `${name}: ${interval}   ${rates}`
}
