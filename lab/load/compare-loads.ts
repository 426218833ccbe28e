/**
 * Two loads in turn, A B │ B A │ A B …, and what their pairs say: how many times the goodput of B is that of A, and between which bounds.
 *
 * With the same URL twice it is an A/A test: what it shows then is the noise of the machine, and no smaller difference can be told by it.
 */
import { interleave, type Comparison } from '../bench/interleave.ts'
import { verdictOf } from '../bench/statistics/paired-ratio.ts'
import { ratesOf } from './rates.ts'
import { sendLoad, type Load } from './send-load.ts'

export interface ComparedLoads extends Comparison {
  /** All that were answered; "no answer" for none. */
  readonly statuses: readonly string[]
}

/**
 * One run of each comes first and does not count: it opens connections, and code that has just been started is slow.
 * Rejects when `signal` ends it: a pair that was cut off compares nothing.
 */
export async function compareLoads(a: Load, b: Load, pairs: number, signal: AbortSignal): Promise<ComparedLoads> {
  const statuses = new Set<string>()
  const goodputOf = async (load: Load): Promise<number> => {
    const startedAtMs = performance.now()
    const samples = await sendLoad(load, signal)
    signal.throwIfAborted()
    const { goodputPerS } = ratesOf(samples, performance.now() - startedAtMs)
    for (const { status } of samples) statuses.add(String(status ?? 'no answer'))
    return goodputPerS
  }
  for (const load of [a, b]) await sendLoad(load, signal)
  const comparison = await interleave(
    pairs,
    () => goodputOf(a),
    () => goodputOf(b),
  )
  return { ...comparison, statuses: [...statuses] }
}

const VERDICTS = { larger: 'A is faster', smaller: 'B is faster', same: 'no difference is shown' }

/** Lines for a terminal: each pair, then what they say together. */
export function describeComparedLoads({ a, b, ratio }: Pick<ComparedLoads, 'a' | 'b' | 'ratio'>): string[] {
  const pairs = a.map((rateA, index) => {
    const rateB = b[index]!
    return `pair ${index + 1}   A ${rateA.toFixed(0)}/s   B ${rateB.toFixed(0)}/s   A/B ${(rateA / rateB).toFixed(2)}`
  })
  if (ratio === null) return [...pairs, 'together: nothing can be said of fewer than two pairs']
  const interval = `[${ratio.low.toFixed(2)}, ${ratio.high.toFixed(2)}]`
  return [...pairs, `together A/B ${ratio.ratio.toFixed(2)} ${interval}: ${VERDICTS[verdictOf(ratio)]}`]
}
