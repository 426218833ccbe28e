/**
 * What `up` prints when a stage is ready: where everything is, and what to try next.
 */
import path from 'node:path'
import type { Context } from '../command-line/command.ts'
import { paint } from '../command-line/paint.ts'
import type { StartedStage } from '../runtime/runtime.ts'
import { entryUrl, type Topology } from '../topology.ts'
import type { UpRequest } from './up-options.ts'

export function printWhereEverythingIs(
  topology: Topology,
  { settings, runtime }: UpRequest,
  { afterMs, cpuLimit, notes }: StartedStage,
  { stateDirectory, print }: Context,
): void {
  const { stage } = topology
  const isSingle = topology.loadBalancers.length === 0
  const replication = stage === 'stage2' ? 'streaming' : settings.replication
  const kind = [
    isSingle ? 'single: no load balancer, no replica' : `replication ${replication}, durability ${settings.durability}`,
    ...(settings.policy ? [`policy ${settings.policy}`] : []),
  ].join(', ')
  print(`${paint.strong(stage)} is ${paint.good('ready')} in ${(afterMs / 1000).toFixed(2)} s (${runtime}; ${kind})`)
  for (const note of [...(cpuLimit ? [cpuLimit] : []), ...notes]) print(note)
  print()
  const logs =
    runtime === 'compose'
      ? `docker logs, by name: docker ps --filter label=relais.stage=${stage}`
      : path.relative(process.cwd(), path.join(stateDirectory, stage, 'logs'))
  const places = [
    ['the page', `${entryUrl(topology, 'frontend')}/`],
    ['the API', `${entryUrl(topology, 'frontend')}/api/data`],
    ['backend tier', entryUrl(topology, 'backend')],
    ['database tier', entryUrl(topology, 'db')],
    ['logs', logs],
  ] as const
  for (const [what, where] of places) print(`  ${what.padEnd(14)} ${paint.link(where)}`)
  print()
  print('Try, in another terminal:')
  const victim = isSingle ? 'db1' : 'db2'
  const trials = [
    [`curl ${entryUrl(topology, 'db')}/api/data`, isSingle ? 'its newest records' : 'who answers? ask again'],
    [`npm run lab -- demo ${stage}`, 'ten reads, ten writes, and their way'],
    [`npm run lab -- kill ${stage}/${victim}`, 'break it'],
    ['npm run lab -- status', 'see it'],
    [`npm run lab -- start ${stage}/${victim}`, 'watch it come back'],
  ] as const
  const width = Math.max(...trials.map(([line]) => line.length))
  for (const [line, why] of trials) print(`  ${line.padEnd(width)}  ${paint.faint(why)}`)
  print()
}
