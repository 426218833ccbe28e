/**
 * `load URL`: sends requests and says what became of them and who served them.
 *
 * For seeing a distribution, not for measuring a machine: that is what the scripts in lab/bench are for.
 */
import type { Command, Given } from '../command-line/command.ts'
import { integerWithin, numberWithin, oneOf } from '../command-line/parse-arguments.ts'
import { misused } from '../failure.ts'
import { sendLoad, type Load } from '../load/send-load.ts'
import { describeLoad, summarize } from '../load/summarize.ts'

const METHODS = ['GET', 'POST'] as const

export const command: Command = {
  summary: 'Sends requests to a URL and shows who served them, statuses, p50 and p99.',
  operands: 'URL',
  options: {
    requests: { type: 'string' },
    connections: { type: 'string' },
    rate: { type: 'string' },
    method: { type: 'string' },
    header: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  },
  help: `  URL              for example http://localhost:8080/api/data?limit=1
  --requests N     how many (default 300)
  --connections N  at the same time at most (default 10)
  --rate N         so many a second, each measured from when it was due; without it: as fast as answers come
  --method         ${METHODS.join(' | ')} (default GET); POST sends {"message":"load"}
  --header 'NAME: VALUE'
                   may be repeated
  --json           one JSON object
                   Exit code 1 when a request got no answer or an error of 500 or more.`,
  async run(given, { print }) {
    const stop = new AbortController()
    process.once('SIGINT', () => stop.abort())
    const summary = summarize(await sendLoad(readLoad(given), stop.signal))
    if (given.values['json']) print(JSON.stringify(summary, null, 2))
    else for (const line of describeLoad(summary)) print(line)
    return Object.keys(summary.statuses).some((status) => !/^[1-4]/.test(status)) ? 1 : 0
  },
}

function readLoad({ operands, values }: Given): Load {
  const text = (name: string): string | undefined => values[name] as string | undefined
  const url = operands[0]
  if (url === undefined || !/^http:\/\/./.test(url) || !URL.canParse(url))
    throw misused(`Failed to read \`load\`: found ${url ?? 'no URL'}, expected one like http://localhost:8080/api/data?limit=1.`)
  const method = oneOf('--method', text('method') ?? 'GET', METHODS)
  const rate = text('rate')
  const isWrite = method === 'POST'
  return {
    url,
    method,
    headers: { ...(isWrite && { 'content-type': 'application/json' }), ...readHeaders((values['header'] ?? []) as string[]) },
    body: isWrite ? '{"message":"load"}' : null,
    requests: integerWithin('--requests', text('requests') ?? '300', 1, 1_000_000),
    connections: integerWithin('--connections', text('connections') ?? '10', 1, 1_000),
    ratePerS: rate === undefined ? null : numberWithin('--rate', rate, 0.1, 100_000),
  }
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
