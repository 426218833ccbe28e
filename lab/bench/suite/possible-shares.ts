/**
 * A bench that asks for shares of CPU on a host that grants none is another bench: without shares, and it says so first.
 *
 *   --cpu-per-instance 0.1 ─▶ can this host hold a process to it? ─┬▶ yes: as asked
 *                                                                  └▶ no: all instances share the cores, in every heading
 *
 * Found out before the first test: results labelled "a tenth of a core each" that were measured without would be false.
 */
import { findCpuShares } from '../../runtime/cpu-share.ts'
import type { BenchRequest } from './bench-options.ts'

export interface PossibleRequest {
  readonly request: BenchRequest
  /** What the reader must know before anything else; null when all is as asked. */
  readonly warning: string | null
}

export function withPossibleShares(request: BenchRequest, find: typeof findCpuShares = findCpuShares): PossibleRequest {
  const asked = request.options.cpuPerInstance
  if (asked === null) return { request, warning: null }
  const { isHeld, description } = find(asked)
  if (isHeld) return { request, warning: null }
  const options = { ...request.options, cpuPerInstance: null }
  return {
    // The saturated matrix would be the same tests once more.
    request: { ...request, options, hasSaturatedMatrix: false },
    warning: `Each instance was to be held to ${asked} of a core, but this host cannot do that. ${description} So three instances are not three machines here, and nothing below shows what more machines would gain.`,
  }
}
