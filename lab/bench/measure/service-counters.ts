/**
 * How many reads and writes of records each instance has answered, by its own count (`/metrics`).
 *
 * Two looks and their difference are a run's: nobody else may send `/api/data` requests meanwhile. An instance that was restarted
 * in between begins at zero again, so its difference is unknown and not small.
 */
import { askOnce } from '../../runtime/ask-once.ts'
import type { Node, Topology } from '../../topology.ts'

export interface AnswerCount {
  readonly reads: number
  readonly writes: number
  /** Of these, the ones answered 2xx. */
  readonly readsServed: number
  readonly writesServed: number
}

/** `undefined`: it did not answer. */
export type CounterLook = ReadonlyMap<string, AnswerCount | undefined>

const ASK_MS_MAX = 5_000
const COUNT = /^relais_http_request_duration_seconds_count\{(.*)\} (\d+)/gm

export async function lookAtCounters({ nodes }: Topology): Promise<CounterLook> {
  return new Map(await Promise.all(nodes.map(async (node) => [node.name, await askCount(node)] as const)))
}

/** By instance; `undefined` where it is unknown. */
export function countBetween(before: CounterLook, after: CounterLook): CounterLook {
  return new Map([...after].map(([name, count]) => [name, difference(before.get(name), count)]))
}

/** The counters of `/api/data` in a text in Prometheus' format. */
export function parseCounters(text: string): AnswerCount {
  const count = { reads: 0, writes: 0, readsServed: 0, writesServed: 0 }
  for (const [, labelText, value] of text.matchAll(COUNT)) {
    const labels = new Map([...labelText!.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, label]) => [name, label]))
    if (labels.get('route') !== '/api/data') continue
    const isServed = labels.get('status')?.startsWith('2') === true
    const isRead = labels.get('method') === 'GET'
    count[isRead ? 'reads' : 'writes'] += Number(value)
    if (isServed) count[isRead ? 'readsServed' : 'writesServed'] += Number(value)
  }
  return count
}

async function askCount({ url }: Node): Promise<AnswerCount | undefined> {
  try {
    const { status, text } = await askOnce(`${url}/metrics`, ASK_MS_MAX)
    return status === 200 ? parseCounters(text) : undefined
  } catch {
    return undefined
  }
}

function difference(before: AnswerCount | undefined, after: AnswerCount | undefined): AnswerCount | undefined {
  if (!before || !after || after.reads < before.reads || after.writes < before.writes) return undefined
  return {
    reads: after.reads - before.reads,
    writes: after.writes - before.writes,
    readsServed: after.readsServed - before.readsServed,
    writesServed: after.writesServed - before.writesServed,
  }
}
