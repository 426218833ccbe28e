/**
 * `load URL`: sends requests and says what became of them and who served them.
 *
 * For seeing a distribution, or one effect, not for measuring a machine: that is what `bench` is for.
 */
import type { Command, Context, Given } from '../command-line/command.ts'
import { integerWithin, numberWithin, oneOf } from '../command-line/parse-arguments.ts'
import { failed, misused } from '../failure.ts'
import { compareLoads, describeComparedLoads } from '../load/compare-loads.ts'
import { describeRates, ratesOf } from '../load/rates.ts'
import { sendLoad, type Load } from '../load/send-load.ts'
import { describeLoad, summarize } from '../load/summarize.ts'

const METHODS = ['GET', 'POST'] as const
const REQUESTS_MAX = 1_000_000

export const command: Command = {
  summary: 'Sends requests to a URL and shows who served them, statuses, p50 and p99.',
  operands: 'URL',
  options: {
    requests: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string' },
    rate: { type: 'string' },
    method: { type: 'string' },
    header: { type: 'string', multiple: true },
    rates: { type: 'boolean' },
    against: { type: 'string' },
    pairs: { type: 'string' },
    json: { type: 'boolean' },
  },
  help: `  URL              for example http://localhost:8080/api/data?limit=1; {n} in it is replaced by the request's number
  --requests N     how many (default 300)
  --seconds N      how long to send, in place of a number of requests
  --connections N  how many at the same time at most (default 10)
  --rate N         requests per second, each timed from when it was due; without it, as fast as answers come
  --method         ${METHODS.join(' | ')} (default GET); POST sends {"message":"load"}
  --header 'NAME: VALUE'
                   may be repeated
  --rates          also show throughput, goodput, and the mean and longest time
  --against URL    alternate between two loads, the first URL as A and this one as B, and show the ratio of their
                   goodput and how certain it is
  --pairs N        with --against: how many loads of each (default 6)
  --json           one JSON object
                   Exit code 1 if any request got no answer or a status of 500 or above.`,
  async run(given, context) {
    const stop = new AbortController()
    process.once('SIGINT', () => stop.abort(failed('Stopped before the end.')))
    return given.values['against'] === undefined ? sendOne(given, context, stop.signal) : sendInTurn(given, context, stop.signal)
  },
}

async function sendOne(given: Given, { print }: Context, signal: AbortSignal): Promise<number> {
  if (given.values['pairs'] !== undefined) throw misused('--pairs belongs to --against. Give both.')
  const load = readLoad(given)
  const startedAtMs = performance.now()
  const samples = await sendLoad(load, signal)
  const rates = ratesOf(samples, performance.now() - startedAtMs)
  const summary = summarize(samples)
  if (given.values['json']) print(JSON.stringify({ ...summary, ...rates }, null, 2))
  else for (const line of [...describeLoad(summary), ...(given.values['rates'] ? [describeRates(rates)] : [])]) print(line)
  return hasFailed(Object.keys(summary.statuses)) ? 1 : 0
}

async function sendInTurn(given: Given, { print }: Context, signal: AbortSignal): Promise<number> {
  const pairs = integerWithin('--pairs', (given.values['pairs'] as string | undefined) ?? '6', 2, 100)
  const a = readLoad(given)
  const compared = await compareLoads(a, { ...a, url: readUrl(given.values['against'] as string) }, pairs, signal)
  if (given.values['json']) print(JSON.stringify(compared, null, 2))
  else for (const line of describeComparedLoads(compared)) print(line)
  return hasFailed(compared.statuses) ? 1 : 0
}

function hasFailed(statuses: readonly string[]): boolean {
  return statuses.some((status) => !/^[1-4]/.test(status))
}

function readLoad({ operands, values }: Given): Load {
  const text = (name: string): string | undefined => values[name] as string | undefined
  const method = oneOf('--method', text('method') ?? 'GET', METHODS)
  const rate = text('rate')
  const isWrite = method === 'POST'
  return {
    url: readUrl(operands[0]),
    method,
    headers: { ...(isWrite && { 'content-type': 'application/json' }), ...readHeaders((values['header'] ?? []) as string[]) },
    body: isWrite ? '{"message":"load"}' : null,
    ...readLength(text('requests'), text('seconds')),
    connections: integerWithin('--connections', text('connections') ?? '10', 1, 1_000),
    ratePerS: rate === undefined ? null : numberWithin('--rate', rate, 0.1, 100_000),
  }
}

function readUrl(url: string | undefined): string {
  if (url !== undefined && /^http:\/\/./.test(url) && URL.canParse(url)) return url
  throw misused(`Failed to read \`load\`: found ${url ?? 'no URL'}, expected one like http://localhost:8080/api/data?limit=1.`)
}

function readLength(requests: string | undefined, seconds: string | undefined): Pick<Load, 'requests' | 'lastsMs'> {
  if (seconds === undefined) return { requests: integerWithin('--requests', requests ?? '300', 1, REQUESTS_MAX), lastsMs: null }
  if (requests !== undefined) throw misused('--requests and --seconds both say when to end. Leave out one of the two.')
  return { requests: REQUESTS_MAX, lastsMs: 1000 * numberWithin('--seconds', seconds, 0.1, 600) }
}

function readHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const match = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line)
      if (!match) throw misused(`Failed to read --header: found "${line}", expected 'NAME: VALUE'.`)
      return [match[1]!.toLowerCase(), match[2]!]
    }),
  )
}
