/**
 * `dns STAGE`: round-robin DNS on loopback, to be asked with dig or by a client of its own (`--ask`).
 *
 * The oldest load balancing there is: the names' server deals addresses, and the load goes where clients then go, whatever has become of it.
 */
import { once } from 'node:events'
import type { Command, Context } from '../command-line/command.ts'
import { integerWithin, oneOf, parseStage } from '../command-line/parse-arguments.ts'
import { runningStage } from '../command-line/running-instance.ts'
import { nameOf, RoundRobinNames } from '../dns/round-robin-names.ts'
import { serveDns } from '../dns/serve-dns.ts'
import { describePicks, pickAndRequest } from '../dns/pick-and-request.ts'
import { failed, misused } from '../failure.ts'
import type { Tier, Topology } from '../topology.ts'

const TIERS: readonly Tier[] = ['frontend', 'backend', 'db']

export const command: Command = {
  summary: "Serves round-robin DNS on loopback for a stage's instances, with a client that uses it.",
  operands: 'STAGE',
  options: {
    ask: { type: 'string' },
    clients: { type: 'string' },
    tier: { type: 'string' },
    'ttl-s': { type: 'string' },
    port: { type: 'string' },
  },
  help: `  --ask N          N times, look up the name and read from the first address; without it, serve until Ctrl-C
  --clients N      with --ask: how many clients share the N requests, at the same time (default 1)
  --tier TIER      ${TIERS.join(' | ')} (default frontend): the tier whose name --ask looks up
  --ttl-s N        how long a client may keep an answer (default 0: it asks each time)
  --port N         port of the server (default: a free one)
                   Serves SRV records for ${TIERS.map(nameOf).join(', ')}.`,
  async run({ operands, values }, context) {
    const text = (name: string): string | undefined => values[name] as string | undefined
    const stageName = parseStage(operands[0] ?? '')
    const count = text('ask') === undefined ? undefined : integerWithin('--ask', text('ask')!, 1, 1_000)
    const clients = integerWithin('--clients', text('clients') ?? '1', 1, 100)
    if (count === undefined && text('clients') !== undefined) throw misused('--clients belongs to --ask. Give both.')
    const tier = oneOf('--tier', text('tier') ?? 'frontend', TIERS)
    const ttlS = integerWithin('--ttl-s', text('ttl-s') ?? '0', 0, 86_400)
    const port = integerWithin('--port', text('port') ?? '0', 0, 65_535)
    const { topology } = await runningStage(context.runtime, stageName, 'serve names')
    const server = await serveDns(topology.host, port, new RoundRobinNames(topology, ttlS)).catch((error: unknown) => {
      throw failed(`Failed to serve DNS on port ${port}: ${String(error)}; expected a free port.`)
    })
    try {
      if (count !== undefined)
        for (const line of describePicks(await pickAndRequest(topology, tier, server.port, count, clients))) context.print(line)
      else await serveUntilSignal(topology, server.port, context)
    } finally {
      server.close()
    }
    return 0
  },
}

async function serveUntilSignal({ host }: Topology, port: number, { print }: Context): Promise<void> {
  print(`DNS on ${host}:${port}. Ask it: dig @${host} -p ${port} +short SRV ${nameOf('frontend')}`)
  print('Ctrl-C ends it.')
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}
