/**
 * `connections stage2/db1 --count 150`: as many connections straight to PostgreSQL, then as many requests to the service before it.
 *
 * The server refuses what is above `max_connections` at once (SQLSTATE 53300); the service's pool lets requests wait for one of its few.
 */
import { describeCluster } from '@relais/stage2-postgres/cluster/prepare-cluster.ts'
import type { Command } from '../command-line/command.ts'
import { integerWithin } from '../command-line/parse-arguments.ts'
import { refuseContainers, runningInstance } from '../command-line/running-instance.ts'
import { misused } from '../failure.ts'
import { openDirectly } from '../load/open-directly.ts'
import { sendLoad } from '../load/send-load.ts'
import { summarize } from '../load/summarize.ts'
import { metricOf } from '../runtime/injected-faults.ts'
import { serverPlans } from '../runtime/postgres-servers.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'

const COUNT_MAX = 1_000

export const command: Command = {
  summary: 'Opens many connections to a PostgreSQL server, directly and through its service.',
  operands: 'STAGE/NAME',
  options: { count: { type: 'string' } },
  help: `  STAGE/NAME       stage2/db1, stage2/db2 or stage2/db3
  --count N        how many connections at the same time, 1 to ${COUNT_MAX} (default 150)`,
  async run({ operands, values }, { runtime, stateDirectory, print }) {
    const expected = 'stage2/db1, stage2/db2 or stage2/db3'
    const found = await runningInstance(runtime, 'connections', operands[0], ({ tier }) => tier === 'db', expected)
    const { target, name, stage, instance } = found
    if (target.stage !== 'stage2') throw misused(`Failed to read \`connections\`: ${target.stage} has no PostgreSQL, expected ${expected}.`)
    refuseContainers(stage, 'connections')
    const count = integerWithin('--count', (values['count'] as string | undefined) ?? '150', 1, COUNT_MAX)
    const directory = new StageDirectory(stateDirectory, 'stage2')
    const { nodes } = await describeCluster({ dir: directory.postgres, nodes: serverPlans(stage.topology) })
    const { opened, refused, otherErrors, sentence } = await openDirectly(
      nodes.find((node) => node.name === instance.name)!,
      count,
    )
    const others = Object.entries(otherErrors).map(([code, times]) => `, ${times} failed otherwise (${code})`)
    print(`${name} directly: ${opened} opened, ${refused} refused with 53300${sentence ? ` (${sentence})` : ''}${others.join('')}`)

    // Each asks for another page: those who ask for the same one together share a statement, and the pool would have next to nothing to do.
    const url = `${instance.url}/api/data?limit=1&before={n}`
    const load = { url, method: 'GET', headers: {}, body: null, requests: count, connections: count, ratePerS: null }
    const { statuses } = summarize(await sendLoad(load, new AbortController().signal))
    const answered = Object.entries(statuses).map(([status, times]) => `${times} answered ${status}`)
    const held = await metricOf(instance.url, 'relais_postgres_connections')
    print(`${name} through its service: ${answered.join(', ')}, on ${held ?? 'an unknown number of'} connections`)
    return 0
  },
}
