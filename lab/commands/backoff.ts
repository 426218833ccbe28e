/** `backoff`: when clients that one failure hit come back, drawn in the terminal (lab/storm/retry-waves.ts). */
import type { Command, Given } from '../command-line/command.ts'
import { integerWithin, oneOf } from '../command-line/parse-arguments.ts'
import { misused } from '../failure.ts'
import { BIN_MS, JITTER_WORDS, JITTERS, retryWaves, type Jitter, type Waves, type WavesOptions } from '../storm/retry-waves.ts'

const ROW_MS = 250
const BAR_WIDTH = 50

export const command: Command = {
  summary: 'Draws when clients hit by one failure come back, with and without jitter.',
  operands: '',
  options: {
    jitter: { type: 'string' },
    clients: { type: 'string' },
    'outage-ms': { type: 'string' },
    'base-ms': { type: 'string' },
    'cap-ms': { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
  },
  help: `  --jitter         ${JITTERS.join(' | ')} (default: all three, one after the other)
  --clients N      clients that the failure hits at the same moment, 1 to 10000 (default 200)
  --outage-ms N    how long the server is away, 0 to 60000 (default 3000)
  --base-ms N      upper bound of the first delay, 1 to 10000 (default 100)
  --cap-ms N       upper bound of every delay, 1 to 60000 (default 3200)
  --seed N         seed for the random delays, 1 to 1000000000
  --json           one JSON array, retries per ${BIN_MS} ms
                   The delays are those of the services (shared/resilience/backoff.ts); time is simulated. Needs no stage.`,
  run(given, { print }) {
    const chosen = given.values['jitter'] as string | undefined
    const options = readOptions(given)
    const drawn = (chosen === undefined ? JITTERS : [oneOf('--jitter', chosen, JITTERS)]).map((jitter) => ({
      jitter,
      ...retryWaves({ jitter, ...options }),
    }))
    if (given.values['json']) print(JSON.stringify(drawn, null, 2))
    else print(drawn.map((waves) => describe(waves, options).join('\n')).join('\n\n'))
    return Promise.resolve(0)
  },
}

function readOptions({ values }: Given): Omit<WavesOptions, 'jitter'> {
  const integer = (name: string, otherwise: number, min: number, max: number): number =>
    integerWithin(`--${name}`, (values[name] as string | undefined) ?? String(otherwise), min, max)
  const backoff = { baseMs: integer('base-ms', 100, 1, 10_000), capMs: integer('cap-ms', 3_200, 1, 60_000) }
  if (backoff.capMs < backoff.baseMs)
    throw misused(`Failed to read --cap-ms: found ${backoff.capMs}, expected at least --base-ms, ${backoff.baseMs}.`)
  return {
    clients: integer('clients', 200, 1, 10_000),
    outageMs: integer('outage-ms', 3_000, 0, 60_000),
    seed: integer('seed', 20_250_309, 1, 1_000_000_000),
    backoff,
  }
}

function describe(waves: Waves & { jitter: Jitter }, { clients, outageMs }: Omit<WavesOptions, 'jitter'>): string[] {
  const perRow = ROW_MS / BIN_MS
  const rows = Array.from({ length: Math.ceil(waves.bins.length / perRow) }, (_, row) =>
    waves.bins.slice(row * perRow, (row + 1) * perRow).reduce((sum, calls) => sum + calls, 0),
  )
  return [
    JITTER_WORDS[waves.jitter],
    ...rows.map((calls, row) => rowText(row * ROW_MS, calls, clients, outageMs)),
    `${clients} clients, ${waves.calls} calls, ${waves.callsInVain} of them in vain; highest wave after the first second: ${waves.highestWave} calls in ${BIN_MS} ms`,
  ]
}

/** The bar of a row in which all clients come is `BAR_WIDTH` long, and none is longer. */
function rowText(fromMs: number, calls: number, clients: number, outageMs: number): string {
  const bar = '█'.repeat(Math.min(BAR_WIDTH, Math.ceil((calls / clients) * BAR_WIDTH)))
  const state = fromMs < outageMs ? 'away' : ''
  return `${(fromMs / 1000).toFixed(2).padStart(6)} s ${state.padEnd(4)} ${String(calls).padStart(5)} ${bar}`.trimEnd()
}
