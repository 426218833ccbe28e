/**
 * `up`: starts stages, waits until they serve, then stays and tells what happens to them, or returns with `--detach`.
 */
import type { ListrTask } from 'listr2'
import type { Command, Context } from '../command-line/command.ts'
import { paint } from '../command-line/paint.ts'
import type { StartedStage } from '../runtime/runtime.ts'
import { namesIn, type StageName, type Topology } from '../topology.ts'
import { UP_HELP, UP_OPTIONS, readUpRequest, type UpRequest } from './up-options.ts'
import { printWhereEverythingIs } from './up-summary.ts'
import { narrate } from './up-narration.ts'

export const command: Command = {
  summary: 'Starts stages and waits until they are ready.',
  operands: '[stage1|stage2|both]',
  options: UP_OPTIONS,
  help: UP_HELP,
  async run(given, context) {
    const request = readUpRequest(given)
    const stop = stopOnSignal()
    const begun: StageName[] = []
    try {
      const started = await startAll(request, context, stop, begun)
      if (stop.aborted) return await stopAll(context, begun)
      for (const [topology, stage] of started) printWhereEverythingIs(topology, request, stage, context)
    } catch (error) {
      for (const stage of begun) await context.runtime.stopStage(stage)
      throw error
    }
    if (request.isDetached) {
      context.print('Stop it with `npm run lab -- down`.')
      return 0
    }
    context.print('Ctrl-C stops everything.')
    return stay(begun, context, stop)
  },
}

async function startAll(
  { topologies, settings, isFresh, runtime: chosen }: UpRequest,
  { runtime }: Context,
  signal: AbortSignal,
  begun: StageName[],
): Promise<ReadonlyMap<Topology, StartedStage>> {
  const started = new Map<Topology, StartedStage>()
  const { Listr } = await import('listr2')
  const tasks = topologies.map((topology): ListrTask => ({
    title: `Starting ${topology.stage}`,
    async task(_, task) {
      const waiting = new Set(namesIn(topology))
      const ready = (name: string): void => {
        waiting.delete(name)
        task.output = waiting.size > 0 ? `waiting for ${[...waiting].join(', ')}` : 'a read through all tiers'
      }
      const progress = (message: string): void => void (task.output = message)
      started.set(
        topology,
        await runtime.startStage(topology, settings, { runtime: chosen, fresh: isFresh, observer: { ready, progress }, signal }),
      )
      begun.push(topology.stage)
      task.title = `Started ${topology.stage}`
    },
  }))
  const options = { exitOnError: true, registerSignalListeners: false } as const
  await (
    process.stdout.isTTY ? new Listr(tasks, { ...options, renderer: 'default' }) : new Listr(tasks, { ...options, renderer: 'silent' })
  ).run()
  return started
}

/** Ctrl-C, a closed terminal, or an ordinary end: all mean "stop what you started". */
function stopOnSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort())
  return controller.signal
}

async function stay(stages: readonly StageName[], context: Context, stop: AbortSignal): Promise<number> {
  // A stage that another shell took down is ours no more: what runs under its name later is that shell's.
  const ours = new Set(stages)
  const narration = stages.map(async (stage) => {
    if ((await context.runtime.watch(stage, narrate(stage, context.print), stop)) === 'down') ours.delete(stage)
  })
  try {
    await Promise.all(narration)
  } finally {
    // Also when watching failed: what we started must not outlive us.
    if (stop.aborted || ours.size > 0) await stopAll(context, [...ours])
  }
  if (!stop.aborted) context.print('Stopped from another shell.')
  return 0
}

async function stopAll({ runtime, print }: Context, stages: readonly StageName[]): Promise<number> {
  print()
  for (const stage of stages) {
    const stopped = await runtime.stopStage(stage)
    if (stopped) print(`${paint.strong(stage)} stopped in ${(stopped.afterMs / 1000).toFixed(2)} s.`)
  }
  return 0
}
