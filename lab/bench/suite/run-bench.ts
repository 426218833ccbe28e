/**
 * A bench from its plan to its record, step by step.
 *
 *   generator's limit ─▶ A/A ─▶ matrix ─▶ pause ─▶ capacity ─▶ PostgreSQL test ─▶ saturated matrix
 *
 * Each step is written down when it is finished. Ctrl-C ends the step that runs, and the record holds those before it; a step that
 * fails is a remark, and the bench goes on. Nothing here starts a cluster or sends a request: `BenchTools` does.
 */
import type {
  AggregateRun,
  BenchRecord,
  Capacity,
  GeneratorLimit,
  Machine,
  PairedRuns,
  PauseExperiment,
  Repetition,
} from '../results/bench-record.ts'
import type { BenchRequest } from './bench-options.ts'
import { planMatrix, planNoiseFloor, planSaturatedMatrix, type PlannedTest } from './test-plan.ts'

/** What a bench measures beside the loads. */
export type Experiment = 'pause' | 'capacity' | 'aggregates'

export interface BenchTools {
  machine(): Promise<Machine>
  generatorLimit(signal: AbortSignal): Promise<GeneratorLimit>
  /** Rejects only when the signal ended it; a test that could not be made comes back as broken. */
  test(test: PlannedTest, signal: AbortSignal): Promise<Repetition>
  pause(signal: AbortSignal): Promise<PauseExperiment>
  capacity(signal: AbortSignal, remark: (sentence: string) => void): Promise<Capacity>
  /** Hands over each run when it is finished. */
  aggregates(signal: AbortSignal, keep: (run: AggregateRun) => void): Promise<void>
  /** Why this cannot be measured here at all, in a sentence; null where it can. */
  impossible(experiment: Experiment): string | null
  /** Ends what runs; more may follow. */
  release(): Promise<void>
  /** Sentences on what is not as was asked, known at the beginning. */
  remarks(): readonly string[]
  /** Sentences on how things are measured. */
  notes(): readonly string[]
}

/** Where finished parts go: RunDirectory, or a test's list. */
export interface BenchOutput {
  writeRaw(name: string, result: unknown): void
  writeRecord(record: BenchRecord): void
}

export interface BenchProgress {
  /** Before the first step, with the title of each. */
  planned(titles: readonly string[]): void
  begun(index: number): void
  /** `summary`: one line on what was found. */
  finished(index: number, summary: string): void
}

interface Step {
  readonly title: string
  /** Resolves to one line on what was found. */
  run(): Promise<string>
}

type MutableRecord = { -readonly [K in keyof BenchRecord]: BenchRecord[K] }

export async function runBench(
  request: BenchRequest,
  tools: BenchTools,
  output: BenchOutput,
  progress: BenchProgress,
  signal: AbortSignal,
  now: () => Date = () => new Date(),
): Promise<BenchRecord> {
  const bench = new Bench(request, tools, output, signal, now().toISOString(), await tools.machine())
  const steps = bench.steps()
  progress.planned(steps.map(({ title }) => title))
  let failures = 0
  for (const [index, step] of steps.entries()) {
    if (signal.aborted) break
    progress.begun(index)
    const summary = await bench.attempt(step)
    if (summary === null) failures += 1
    else progress.finished(index, summary)
    bench.write(now().toISOString(), false)
  }
  await tools.release()
  bench.setMachine(await tools.machine())
  return bench.write(now().toISOString(), !signal.aborted && failures === 0)
}

class Bench {
  readonly #request: BenchRequest
  readonly #tools: BenchTools
  readonly #output: BenchOutput
  readonly #signal: AbortSignal
  readonly #record: MutableRecord

  constructor(request: BenchRequest, tools: BenchTools, output: BenchOutput, signal: AbortSignal, startedAt: string, machine: Machine) {
    this.#request = request
    this.#tools = tools
    this.#output = output
    this.#signal = signal
    this.#record = {
      format: 1,
      startedAt,
      endedAt: startedAt,
      isComplete: false,
      options: request.options,
      machine,
      generator: null,
      noiseFloor: null,
      repetitions: [],
      capacity: null,
      pause: null,
      aggregates: [],
      remarks: tools.remarks(),
      notes: tools.notes(),
    }
  }

  steps(): readonly Step[] {
    const { options, hasExperiments, hasSaturatedMatrix } = this.#request
    const matrix = planMatrix(options).map((test) => this.#test(test))
    if (!hasExperiments) return [...matrix, this.#release()]
    const hasStage2 = options.stages.includes('stage2')
    return [
      this.#generatorLimit(),
      ...planNoiseFloor(options).map((pair, index) => this.#sameTwice(pair, index)),
      ...matrix,
      ...this.#possible('pause', this.#pause()),
      this.#release(),
      ...this.#possible('capacity', this.#capacity(), this.#release()),
      ...(hasStage2 ? this.#possible('aggregates', this.#aggregates(), this.#release()) : []),
      ...(hasSaturatedMatrix ? [...planSaturatedMatrix(options).map((test) => this.#test(test)), this.#release()] : []),
    ]
  }

  /** These steps, or none and a remark. */
  #possible(experiment: Experiment, ...steps: readonly Step[]): readonly Step[] {
    const reason = this.#tools.impossible(experiment)
    if (reason === null) return steps
    this.addRemarks([`Not measured: ${steps[0]!.title}. ${reason}`])
    return []
  }

  /** Null when the step was cut short or failed; a failure is remarked upon. */
  async attempt(step: Step): Promise<string | null> {
    try {
      return await step.run()
    } catch (error) {
      if (!this.#signal.aborted) this.addRemarks([`Not measured: ${step.title}. ${error instanceof Error ? error.message : String(error)}`])
      return null
    }
  }

  addRemarks(sentences: readonly string[]): void {
    this.#record.remarks = [...new Set([...this.#record.remarks, ...sentences])]
  }

  setMachine(machine: Machine): void {
    this.#record.machine = machine
  }

  write(endedAt: string, isComplete: boolean): BenchRecord {
    const record = { ...this.#record, endedAt, isComplete }
    this.#output.writeRecord(record)
    return record
  }

  #test(test: PlannedTest): Step {
    const title = titleOf(test)
    return {
      title,
      run: async () => {
        const repetition = await this.#tools.test(test, this.#signal)
        this.#output.writeRaw(fileNameOf(test), repetition)
        this.#record.repetitions = [...this.#record.repetitions, repetition]
        return summaryOf(repetition)
      },
    }
  }

  #generatorLimit(): Step {
    return {
      title: "the generator's own limit",
      run: async () => {
        const limit = await this.#tools.generatorLimit(this.#signal)
        this.#output.writeRaw('generator', limit)
        this.#record.generator = limit
        return `${Math.round(limit.closedLoopPerSecond)}/s closed loop, ${Math.round(limit.openLoopPerSecond)}/s open loop`
      },
    }
  }

  #sameTwice([first, second]: readonly [PlannedTest, PlannedTest], index: number): Step {
    return {
      title: `A/A ${index + 1}: ${titleOf(first)}, twice`,
      run: async () => {
        const before = await this.#tools.test(first, this.#signal)
        this.#output.writeRaw(`aa-${index + 1}-first`, before)
        const after = await this.#tools.test(second, this.#signal)
        this.#output.writeRaw(`aa-${index + 1}-second`, after)
        const broken = before.brokenBecause ?? after.brokenBecause
        if (broken !== null) throw new Error(`A run was broken: ${broken}`)
        // Who is called A alternates, as in the matrix.
        const [a, b] = index % 2 === 0 ? [before, after] : [after, before]
        const { ratesA = [], ratesB = [] } = this.#record.noiseFloor ?? {}
        const name = titleOf({ ...first, run: null })
        this.#record.noiseFloor = {
          a: name,
          b: `${name}, again`,
          ratesA: [...ratesA, a.goodputPerSecond],
          ratesB: [...ratesB, b.goodputPerSecond],
        } satisfies PairedRuns
        return `${Math.round(before.goodputPerSecond)}/s, then ${Math.round(after.goodputPerSecond)}/s`
      },
    }
  }

  #pause(): Step {
    return {
      title: 'one database paused for a second',
      run: async () => {
        const found = await this.#tools.pause(this.#signal)
        this.#output.writeRaw('pause', found)
        this.#record.pause = found
        return `p99 ${milliseconds(found.open.latency.p99Ms)} in the open loop, ${milliseconds(found.closed.latency.p99Ms)} in the closed one`
      },
    }
  }

  #capacity(): Step {
    return {
      title: 'capacity of the database tier',
      run: async () => {
        const found = await this.#tools.capacity(this.#signal, (sentence) => this.addRemarks([sentence]))
        this.#output.writeRaw('capacity', found)
        this.#record.capacity = found
        const { ratesA, ratesB } = found.readsThreeAgainstOne
        return `reads of three databases ${ratesA.map(Math.round).join(', ')}/s, of one ${ratesB.map(Math.round).join(', ')}/s`
      },
    }
  }

  #aggregates(): Step {
    return {
      title: 'the PostgreSQL test of section 6.3.2',
      run: async () => {
        const kept: AggregateRun[] = []
        await this.#tools.aggregates(this.#signal, (run) => {
          kept.push(run)
          this.#output.writeRaw(`aggregate-${run.way}-${run.parallel}-${run.run}`, run)
          this.#record.aggregates = [...this.#record.aggregates, run]
        })
        const refused = kept.reduce((sum, run) => sum + run.tooManyClients, 0)
        return `${kept.length} runs, ${refused} queries refused with 53300`
      },
    }
  }

  #release(): Step {
    return {
      title: 'stopping these clusters',
      run: async () => {
        await this.#tools.release()
        return 'stopped'
      },
    }
  }
}

function titleOf({ stage, configuration, load, run, cpuPerInstance }: Omit<PlannedTest, 'run'> & { run: number | null }): string {
  const share = cpuPerInstance === null ? ', no shares' : ''
  return `${stage} ${configuration} ${load}${run === null ? '' : ` ${run}`}${share}`
}

function fileNameOf({ stage, configuration, load, run, cpuPerInstance }: PlannedTest): string {
  return [stage, configuration, load, ...(cpuPerInstance === null ? ['saturated'] : []), run].join('-')
}

function summaryOf({ brokenBecause, goodputPerSecond, latency, requested, outcomes }: Repetition): string {
  if (brokenBecause !== null) return `BROKEN: ${brokenBecause}`
  const failed = requested - outcomes.served
  return `${Math.round(goodputPerSecond)}/s, p99 ${milliseconds(latency.p99Ms)}${failed > 0 ? `, ${failed} of ${requested} not served` : ''}`
}

function milliseconds(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(1)} ms`
}
