/**
 * The report's protocol, section 6.1: four loads, and what happens around each run of one.
 *
 *   reset ─▶ warm-up (100 requests, not counted) ─▶ run ─▶ collection
 */
import type { LoadName } from '../results/bench-record.ts'

export interface LoadShape {
  readonly requests: number
  readonly connections: number
}

export const LOAD_SHAPES: Readonly<Record<LoadName, LoadShape>> = {
  light: { requests: 1_000, connections: 100 },
  medium: { requests: 5_000, connections: 200 },
  intensive: { requests: 10_000, connections: 500 },
  stress: { requests: 15_000, connections: 1_000 },
}

export const WARM_UP_REQUESTS = 100
export const WARM_UP_CONNECTIONS = 10
/** 80 % GET, 20 % POST. */
export const WRITE_SHARE = 0.2
