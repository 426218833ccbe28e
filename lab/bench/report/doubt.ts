/**
 * What keeps a difference from being believed, the same for every place of a report that names a winner.
 *
 *   the same configuration differed from itself      no interval of this record holds
 *   the generator was the bottleneck in a run        that scenario shows its limit
 *   within the A/A noise                              cannot be told apart from it
 */
import type { BenchRecord } from '../results/bench-record.ts'
import { isHiddenBy, noiseFloor } from '../statistics/noise-floor.ts'
import { verdictOf, type Ratio, type Verdict } from '../statistics/paired-ratio.ts'
import { ratioText } from './figure-text.ts'
import { isLimitedByGenerator, type Scenario } from './scenario.ts'

export class Doubt {
  readonly floor: ReturnType<typeof noiseFloor>

  constructor({ noiseFloor: pairs }: BenchRecord) {
    this.floor = pairs && noiseFloor(pairs.ratesA, pairs.ratesB)
  }

  /** Why nothing can be concluded from a scenario; null when something may be. */
  of({ balanced, single }: Scenario): string | null {
    if ([...balanced.kept, ...single.kept].some(isLimitedByGenerator)) return 'the load generator was the bottleneck in some of these runs'
    if (this.floor?.isSound === false) return `the same configuration differed from itself (${ratioText(this.floor.ratio)})`
    return null
  }

  /** `same` also of a difference that is smaller than the noise floor, whatever its own interval says. */
  verdict(ratio: Ratio): Verdict {
    return this.floor && isHiddenBy(this.floor, ratio.ratio) ? 'same' : verdictOf(ratio)
  }
}
