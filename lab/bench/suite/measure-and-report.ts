/** From a request to a run's directory with record and reports, and the few lines that say where it is. */
import type { Context } from '../../command-line/command.ts'
import { paint } from '../../command-line/paint.ts'
import { writeReports } from '../report/write-reports.ts'
import type { BenchRecord } from '../results/bench-record.ts'
import { RunDirectory } from '../results/run-directory.ts'
import type { BenchRequest } from './bench-options.ts'
import { ComposeTools } from './compose-tools.ts'
import { expectedS } from './expected-time.ts'
import { NativeTools } from './native-tools.ts'
import { withPossibleShares } from './possible-shares.ts'
import { runBench, type BenchTools } from './run-bench.ts'
import { inMinutes, showProgress, SILENT } from './show-progress.ts'

/** Resolves to the exit code: 1 when it was cut short or something in it is broken. */
export async function measureAndReport(
  asked: BenchRequest,
  directory: string,
  { stateDirectory, print }: Context,
  signal: AbortSignal,
): Promise<number> {
  const { request, tools } = toolsFor(asked, directory)
  await tools.claim()
  return measureWith(request, tools, stateDirectory, print, signal)
}

/** With tools that are ready to begin; `runsDirectory` gets runs/TIME/. */
export async function measureWith(
  request: BenchRequest,
  tools: BenchTools & { removeFiles?(): void },
  runsDirectory: string,
  print: Context['print'],
  signal: AbortSignal,
): Promise<number> {
  const output = RunDirectory.create(runsDirectory, new Date())
  const { isQuick } = request.options
  const isWatched = process.stdout.isTTY && !request.isJson
  const progress = isWatched ? showProgress(print, (title) => expectedS(title, isQuick)) : SILENT
  const record = await runAndRelease(() => runBench(request, tools, output, progress, signal), tools)
  await writeReports(output.path, record)
  const isSound = record.isComplete && record.repetitions.every(({ brokenBecause }) => brokenBecause === null)
  if (isSound) tools.removeFiles?.()
  if (request.isJson) print(JSON.stringify(record))
  else for (const line of closingLines(record, output.path)) print(line)
  return isSound ? 0 : 1
}

function toolsFor(asked: BenchRequest, directory: string): { request: BenchRequest; tools: NativeTools | ComposeTools } {
  if (asked.options.runtime === 'compose') return { request: asked, tools: new ComposeTools(asked, directory) }
  const { request, warning } = withPossibleShares(asked)
  return { request, tools: new NativeTools(request, directory, warning) }
}

/** Whatever happens, no cluster stays. */
async function runAndRelease(run: () => Promise<BenchRecord>, tools: Pick<BenchTools, 'release'>): Promise<BenchRecord> {
  try {
    return await run()
  } finally {
    await tools.release()
  }
}

function closingLines(record: BenchRecord, directory: string): readonly string[] {
  const broken = record.repetitions.filter(({ brokenBecause }) => brokenBecause !== null)
  const tookS = (Date.parse(record.endedAt) - Date.parse(record.startedAt)) / 1000
  return [
    `${record.repetitions.length} runs in ${inMinutes(tookS)}.${record.isComplete ? '' : paint.bad(' Incomplete: the missing parts were cut short or failed.')}`,
    ...broken.map(({ stage, configuration, load, run, brokenBecause }) =>
      paint.bad(`Broken, left out of every figure: ${stage} ${configuration} ${load} ${run}: ${brokenBecause}`),
    ),
    ...record.remarks,
    `  the report   ${directory}/report.html`,
    `  as text      ${directory}/report.md`,
    `  the record   ${directory}/bench.json`,
  ]
}
