/**
 * What the tiers cost: GETs through the whole chain (three Nginx hops, tracing and logs on) against the same chain of
 * bare `node:http` services behind the same Nginx files.
 *
 *   node_modules/.bin/node lab/bench/stage1-chain.ts [--pairs N] [--seconds N] [--warm-seconds N]
 *
 * What is compared is the steady state: nine services share two cores, so each sees some hundred requests a second, and its code is
 * compiled only after some thousands. Ours is more code, so a short warm-up measures the compiler and not the tiers.
 */
import { parseArgs } from 'node:util'
import { ChainProcesses } from './chain-processes.ts'
import { describeComparison, interleave } from './interleave.ts'
import { requestsPerSecond } from './load.ts'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '4' },
    'warm-seconds': { type: 'string', default: '20' },
  },
})
const pairs = Number(values.pairs)
const durationS = Number(values.seconds)
const warmS = Number(values['warm-seconds'])
const CONNECTIONS = [20, 100]

/** Of a core, for each service, in the second half. */
const SHARE = 0.1

for (const cores of [0, SHARE]) await compare(cores)

async function compare(cores: number): Promise<void> {
  // Offsets that keep clear of the product, of the ports that outgoing connections get, and of those that fetch refuses.
  const relais = await ChainProcesses.start('relais', 2_100, cores)
  const bare = await ChainProcesses.start('bare', 5_100, cores)
  const held = cores === 0 ? 'the cores shared' : `each service on ${cores} of a core`
  try {
    for (const chain of [relais, bare])
      await requestsPerSecond({ url: `${chain.url}/data`, connections: Math.max(...CONNECTIONS), durationS: warmS })
    for (const connections of CONNECTIONS) {
      const read = (chain: ChainProcesses) => (): Promise<number> => requestsPerSecond({ url: `${chain.url}/data`, connections, durationS })
      const comparison = await interleave(pairs, read(relais), read(bare))
      console.log(describeComparison(`GET through the chain, ours / bare, ${connections} connections, ${held}`, comparison))
    }
  } finally {
    await relais.stop()
    await bare.stop()
  }
}
