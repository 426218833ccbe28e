/**
 * Programs that balance by DNS: look the name up, read from the first address, and count what came of it, instance by instance.
 *
 *   client 1 ─▶ frontend1 ─▶ …        each client has an answer of its own, and keeps it as long as it may;
 *   client 2 ─▶ frontend2 ─▶ …        none of them knows how busy the others have made an instance
 */
import { askOnce } from '../runtime/ask-once.ts'
import type { Tier, Topology } from '../topology.ts'
import { DnsClient } from './dns-client.ts'
import { nameOf } from './round-robin-names.ts'

const REQUEST_MS_MAX = 3_000

export interface Pick {
  readonly instance: string
  /** The name server was asked; otherwise an answer was kept. */
  readonly wasAsked: boolean
  /** `null`: no answer. */
  readonly status: number | null
  readonly durationMs: number
}

/** In the order in which they ended. Rejects when a name cannot be looked up. */
export async function pickAndRequest(topology: Topology, tier: Tier, dnsPort: number, requests: number, clients: number): Promise<Pick[]> {
  const picks: Pick[] = []
  let next = 0
  const ask = async (): Promise<void> => {
    const client = new DnsClient({ host: topology.host, port: dnsPort })
    while (next++ < requests) {
      const { address, wasAsked } = await client.pick(nameOf(tier))
      const startedAtMs = performance.now()
      const status = await statusOf(`http://${topology.host}:${address.port}/api/data?limit=1`)
      picks.push({ instance: address.target.split('.')[0]!, wasAsked, status, durationMs: performance.now() - startedAtMs })
    }
  }
  await Promise.all(Array.from({ length: Math.min(clients, requests) }, ask))
  return picks
}

async function statusOf(url: string): Promise<number | null> {
  return askOnce(url, REQUEST_MS_MAX).then(
    ({ status }) => status,
    () => null,
  )
}

/** Lines for a terminal: each request, then each instance. */
export function describePicks(picks: readonly Pick[]): string[] {
  const instances = [...new Set(picks.map(({ instance }) => instance))].toSorted()
  return [...picks.map(describePick), ...instances.map((instance) => describeInstance(picks, instance))]
}

function describePick({ wasAsked, instance, status, durationMs }: Pick, index: number): string {
  const answer = status === null ? 'no answer' : `answered ${status} in ${durationMs.toFixed(0)} ms`
  return `${String(index + 1).padStart(3)}  ${wasAsked ? 'looked up' : 'kept     '}  ${instance.padEnd(9)}  ${answer}`
}

function describeInstance(picks: readonly Pick[], instance: string): string {
  const own = picks.filter((pick) => pick.instance === instance)
  const answered = own.filter(({ status }) => status !== null)
  const slowest = answered.length === 0 ? '' : `, slowest ${Math.max(...answered.map(({ durationMs }) => durationMs)).toFixed(0)} ms`
  return `${instance.padEnd(9)}  answered ${answered.length}, no answer ${own.length - answered.length}${slowest}`
}
