/**
 * From a request to a report, in a container: find what runs, refuse to empty what was not given for it, measure, leave it empty.
 */
import { accessSync, constants, statSync } from 'node:fs'
import type { Context } from '../../command-line/command.ts'
import { failed, misused } from '../../failure.ts'
import type { BenchRequest } from '../suite/bench-options.ts'
import { measureWith } from '../suite/measure-and-report.ts'
import type { ContainerRequest } from './container-options.ts'
import { findRunningChains, type RunningChain } from './running-chains.ts'
import { RunningTools } from './running-tools.ts'

/** Where compose/bench.yaml mounts a directory of the machine. */
const RESULTS = '/results'

/** Resolves to the exit code. */
export async function measureRunning(request: ContainerRequest, print: Context['print'], signal: AbortSignal): Promise<number> {
  refuseUnwritable(RESULTS)
  const { bench, chains } = withRunning(request, await findRunningChains())
  const tools = new RunningTools(chains, bench.options.cpuPerInstance)
  const holding = await tools.holdingRecords()
  if (holding.length > 0 && !request.mayEmpty)
    throw misused(
      `Failed to start: the databases of ${holding.join(', ')} hold records, but every test needs empty databases.\n` +
        'Pass --empty if the records may be deleted, or start with new volumes: `docker compose … down -v`.',
    )
  try {
    return await measureWith(bench, tools, RESULTS, print, signal)
  } finally {
    if (!signal.aborted) await tools.empty(AbortSignal.timeout(60_000))
  }
}

/** The stages that were asked for, or all that run; of each at least the balanced chain. */
function withRunning(
  { bench, isAnyStage }: ContainerRequest,
  running: readonly RunningChain[],
): { bench: BenchRequest; chains: readonly RunningChain[] } {
  const { stages: asked, configurations } = bench.options
  const isThere = (stage: string, configuration: string): boolean =>
    running.some((chain) => chain.stage === stage && chain.configuration === configuration)
  const stages = asked.filter((stage) => !isAnyStage || isThere(stage, 'balanced'))
  const missing = stages.filter((stage) => !isThere(stage, 'balanced'))
  if (stages.length === 0 || missing.length > 0)
    throw misused(
      `Failed to find ${missing.join(', ') || 'a stage'}: expected its containers to be ready.\n` +
        'Start it with the bench: `docker compose -f compose/compose.yaml --profile stage1 --profile stage1-single run --rm bench`.',
    )
  const both = configurations.filter((configuration) => stages.every((stage) => isThere(stage, configuration)))
  const chains = running.filter(({ stage, configuration }) => stages.includes(stage) && both.includes(configuration))
  return { bench: { ...bench, options: { ...bench.options, stages, configurations: both } }, chains }
}

function refuseUnwritable(directory: string): void {
  try {
    accessSync(directory, constants.W_OK)
  } catch {
    const owner = statSync(directory, { throwIfNoEntry: false })
    const user = `${process.getuid?.()}:${process.getgid?.()}`
    throw failed(
      `Failed to write to ${directory}: it ${owner ? `belongs to ${owner.uid}:${owner.gid}` : 'is not mounted'}, and this container runs as ${user}.\n` +
        'Set your own user: `RELAIS_USER=$(id -u):$(id -g) docker compose …`.',
    )
  }
}
