/** About how long each step takes, in seconds, relative to the others: only for the time that progress shows as left. */
import type { LoadName } from '../results/bench-record.ts'

const TEST_S: Readonly<Record<LoadName, number>> = { light: 4, medium: 8, intensive: 14, stress: 17 }

export function expectedS(title: string, isQuick: boolean): number {
  const load = (Object.keys(TEST_S) as LoadName[]).find((name) => title.includes(` ${name}`))
  if (load) return TEST_S[load] * (title.startsWith('A/A') ? 2 : 1)
  if (title.startsWith('capacity')) return isQuick ? 55 : 330
  if (title.startsWith('the PostgreSQL test')) return isQuick ? 50 : 200
  return title.startsWith('stopping') ? 2 : 15
}
