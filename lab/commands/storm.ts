/** `storm`: the same requests against a bottom that fails, with retries at every tier, at one, and at none (lab/storm/retry-storm.ts). */
import type { Command } from '../command-line/command.ts'
import { integerWithin } from '../command-line/parse-arguments.ts'
import { runStorm } from '../storm/retry-storm.ts'

const CASES = [
  { words: 'all three tiers retry', tiersRetry: [true, true, true] },
  { words: 'one retries, next to the failure', tiersRetry: [false, false, true] },
  { words: 'none retries', tiersRetry: [false, false, false] },
]

export const command: Command = {
  summary: 'Runs a retry storm through three tiers above one that fails, and counts what arrives at the bottom.',
  operands: '',
  options: { requests: { type: 'string' }, attempts: { type: 'string' }, failing: { type: 'string' }, json: { type: 'boolean' } },
  help: `  --requests N     requests of the client, at the same time, 1 to 200 (default 100)
  --attempts N     attempts at each tier that retries, including the first, 1 to 5 (default 3)
  --failing N      how many calls in a hundred fail at the bottom, at random, 0 to 100 (default 100)
  --json           one JSON array
                   Starts its own services on loopback and needs no stage.`,
  async run({ values }, { print }) {
    const text = (name: string, otherwise: string): string => (values[name] as string | undefined) ?? otherwise
    const requests = integerWithin('--requests', text('requests', '100'), 1, 200)
    const attemptsMax = integerWithin('--attempts', text('attempts', '3'), 1, 5)
    const failingShare = integerWithin('--failing', text('failing', '100'), 0, 100) / 100
    const results = []
    for (const { words, tiersRetry } of CASES) {
      const storm = await runStorm({ requests, attemptsMax, tiersRetry, failingShare })
      const bottom = storm.arrivals.at(-1)!
      const factor = Number((bottom / requests).toFixed(2))
      const errors = requests - (storm.statuses[200] ?? 0)
      results.push({ case: words, requests, bottom, factor, errors, ...storm })
      if (values['json']) continue
      const way = storm.arrivals.join(' → ')
      print(
        `${`${words}:`.padEnd(34)} ${requests} requests became ${bottom} at the bottom (×${factor}; on the way ${way}), ${errors} ended in an error`,
      )
    }
    if (values['json']) print(JSON.stringify(results, null, 2))
    return 0
  },
}
