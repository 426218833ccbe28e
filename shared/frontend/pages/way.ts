/**
 * The way a request took through the tiers, as the answer's headers tell it.
 *
 *   X-Served-By: frontend2, backend1, db3          Server-Timing: frontend;dur=6.1, backend;dur=4.0, db;dur=1.2
 *
 * Headers and query parameters are text that anyone may have written, so only names of the form tier and number
 * pass: a page never repeats what it does not understand.
 */

export const TIERS = ['frontend', 'backend', 'db'] as const

export type Tier = (typeof TIERS)[number]

interface Instance {
  readonly tier: Tier
  /** 1 to 9. */
  readonly number: number
}

export interface Way {
  /** At most one instance a tier; a request that failed on its way has fewer than three. */
  readonly instances: readonly Instance[]
  /** From the tier's receipt of the request to its answer, the tiers below it included. */
  readonly spentMs: Readonly<Partial<Record<Tier, number>>>
}

export const UNKNOWN_WAY: Way = { instances: [], spentMs: {} }

/** Reads the two headers; what is missing or malformed is left out. */
export function parseWay(servedBy: string | null | undefined, serverTiming?: string | null): Way {
  return { instances: parseInstances(servedBy ?? ''), spentMs: parseTiming(serverTiming ?? '') }
}

/** "frontend2", or `undefined` where the way did not reach the tier. */
export function instanceName(way: Way, tier: Tier): string | undefined {
  const instance = way.instances.find((candidate) => candidate.tier === tier)
  return instance && `${tier}${instance.number}`
}

/** In the order of the tiers: `['frontend2', 'backend1', 'db3']`. */
export function instanceNames(way: Way): string[] {
  return TIERS.flatMap((tier) => instanceName(way, tier) ?? [])
}

function parseInstances(text: string): Instance[] {
  const found = text.split(',').flatMap(parseInstance)
  return TIERS.flatMap((tier) => found.find((instance) => instance.tier === tier) ?? [])
}

function parseInstance(text: string): Instance[] {
  const match = /^\s*(frontend|backend|db)([1-9])\s*$/.exec(text)
  return match ? [{ tier: match[1] as Tier, number: Number(match[2]) }] : []
}

/** Entries are named after the tier or the instance: `db;dur=1.2` and `db3;dur=1.2` are the same to us. */
function parseTiming(text: string): Partial<Record<Tier, number>> {
  const spentMs: Partial<Record<Tier, number>> = {}
  for (const entry of text.split(',')) {
    const match = /^\s*(frontend|backend|db)[1-9]?\s*(?:;[^;]*)*?;\s*dur=(\d{1,9}(?:\.\d{1,9})?)\s*(?:;|$)/.exec(entry)
    if (match) spentMs[match[1] as Tier] = Number(match[2])
  }
  return spentMs
}
