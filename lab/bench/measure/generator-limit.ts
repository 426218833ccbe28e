/** What the generators can do at most: against a constant answer, served by another process. */
import type { GeneratorLimit } from '../results/bench-record.ts'

export function measureGeneratorLimit(_connections: number, _signal?: AbortSignal): Promise<GeneratorLimit> {
  throw new Error('not there yet')
}
