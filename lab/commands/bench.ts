/**
 * `bench`: the report's measurements on both stages, and what it takes to believe them; see lab/bench/suite/run-bench.ts.
 *
 * Its clusters are below the state directory, on ports of their own: a lab that runs goes on. One bench at a time.
 */
import path from 'node:path'
import { BENCH_HELP, BENCH_OPTIONS, readBenchRequest } from '../bench/suite/bench-options.ts'
import type { Command, Context } from '../command-line/command.ts'
import { withStageLock } from '../runtime/stage-lock.ts'

const EXIT_MS_MAX = 1_000

export const command: Command = {
  summary: 'Measures both stages, with and without load balancing.',
  operands: '',
  options: BENCH_OPTIONS,
  help: BENCH_HELP,
  run(given, context) {
    const request = readBenchRequest(given)
    const directory = path.join(context.stateDirectory, 'bench')
    return withStageLock(path.join(context.stateDirectory, 'bench.lock'), () => measure(request, directory, context), { waitMsMax: 0 })
  },
}

async function measure(request: ReturnType<typeof readBenchRequest>, directory: string, context: Context): Promise<number> {
  const { measureAndReport } = await import('../bench/suite/measure-and-report.ts')
  const signal = stopOnSignal()
  const code = await measureAndReport(request, directory, context, signal)
  // A query to a server that has been ended may never settle; its deadline should not hold up whoever pressed Ctrl-C.
  if (signal.aborted) setTimeout(() => process.exit(code), EXIT_MS_MAX).unref()
  return code
}

/** Ctrl-C, a closed terminal, or an ordinary end: what is finished is kept, what runs is stopped. */
function stopOnSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort())
  return controller.signal
}
