/**
 * What the tiers cost: GETs through the whole chain (three Nginx hops, tracing and logs on) against the same chain of
 * bare `node:http` services behind the same Nginx files.
 *
 *   node_modules/.bin/node lab/bench/stage1-chain.ts [--pairs N] [--seconds N] [--warm-turns N] [--cores N] [--same]
 *
 * What is compared is the steady state. Ours is more code, so a short warm-up measures the compiler and not the tiers; and a chain that
 * stood still meanwhile is slower at first (decision 0038). So the two are warmed up in turn, and only then held to a share.
 *
 * `--same` compares two bare chains: what two starts of the same differ by is in no interval, and no ratio nearer to 1 says anything.
 */
import { parseArgs } from 'node:util'
import { ChainProcesses } from './chain-processes.ts'
import { describeComparison, interleave } from './interleave.ts'
import { requestsPerSecond } from './load.ts'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '4' },
    'warm-turns': { type: 'string', default: '20' },
    cores: { type: 'string', multiple: true, default: ['0', '0.1'] },
    same: { type: 'boolean', default: false },
  },
})
const pairs = Number(values.pairs)
const durationS = Number(values.seconds)
const warmTurns = Number(values['warm-turns'])
const CONNECTIONS = [20, 100]

/** Of a core, for each service; 0 shares all of them. */
for (const cores of values.cores) await compare(Number(cores))

async function compare(cores: number): Promise<void> {
  // Offsets that keep clear of the product, of the ports that outgoing connections get, and of those that fetch refuses.
  await using one = await ChainProcesses.start(values.same ? 'bare' : 'relais', 2_100, cores)
  await using bare = await ChainProcesses.start('bare', 5_100, cores)
  const held = cores === 0 ? 'the cores shared' : `each service on ${cores} of a core`
  const readBoth = async (connections: number): Promise<void> => {
    for (const chain of [one, bare]) await read(chain, connections)
  }
  for (let turn = 0; turn < warmTurns; turn++) await readBoth(CONNECTIONS[turn % CONNECTIONS.length]!)
  for (const chain of [one, bare]) chain.hold()
  for (const connections of CONNECTIONS) {
    // The first time under new conditions counts for neither.
    await readBoth(connections)
    const comparison = await interleave(
      pairs,
      () => read(one, connections),
      () => read(bare, connections),
    )
    console.log(
      describeComparison(`GET through the chain, ${values.same ? 'bare' : 'ours'} / bare, ${connections} connections, ${held}`, comparison),
    )
  }
}

function read({ url }: ChainProcesses, connections: number): Promise<number> {
  return requestsPerSecond({ url: `${url}/data`, connections, durationS })
}
