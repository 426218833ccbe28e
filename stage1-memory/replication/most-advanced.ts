/**
 * Whose list an empty primary takes over: nothing that the latest primary had confirmed may be missing from it.
 *
 *   1. who has the whole of what the latest epoch began with      its history is the current one
 *   2. otherwise the last entry that is highest                   (Raft's rule)
 *
 * The second rule alone is not enough, because an epoch that has written nothing leaves no entry: after `db2: a` and `db3: b` were each
 * heard alone by a primary that restarted, the last one holding `a`, it would go back to `b`, whose epoch is the older one
 * (found by log-protocol.test.ts).
 */
import { comparePositions } from '@relais/shared/store/position.ts'
import type { Holdings } from './messages.ts'

/** `undefined` of none. */
export function mostAdvanced<T>(heard: readonly T[], holdingsOf: (one: T) => Holdings): T | undefined {
  const latestEpoch = Math.max(0, ...heard.map((one) => holdingsOf(one).position.epoch))
  const isCurrent = (one: T): boolean => holdingsOf(one).isWhole && holdingsOf(one).position.epoch === latestEpoch
  const current = heard.filter(isCurrent)
  return (current.length > 0 ? current : heard).toSorted((a, b) => comparePositions(holdingsOf(b).last, holdingsOf(a).last))[0]
}
