/**
 * The stages that lessons run on: started when a lesson needs them, kept while the next one needs the same, taken down when none does.
 *
 * A stage that was there before us is somebody's: it is used when it is what the lesson needs, and never taken down without being asked.
 */
import { isDeepStrictEqual } from 'node:util'
import { parseArguments } from '../command-line/parse-arguments.ts'
import { readUpRequest, UP_OPTIONS, type UpRequest } from '../commands/up-options.ts'
import { failed } from '../failure.ts'
import { instancesNotServing } from '../runtime/readiness.ts'
import type { LocatedStage, Runtime } from '../runtime/runtime.ts'
import type { StageName, Topology } from '../topology.ts'
import type { Lesson } from './lesson.ts'
import type { Shell } from './lesson-shell.ts'

/** The first start of stage 2 makes its cluster, and may install PostgreSQL. */
const START_MS_MAX = 300_000
const CLEAN_UP_MS_MAX = 60_000

/** Has a stage been changed since its start, so that its settings no longer say what it is? */
type IsChanged = (stage: LocatedStage) => Promise<boolean>

/** What became of a lesson's stage. */
export type Prepared = 'none' | 'started' | 'kept' | 'found'

export class LessonStages {
  readonly #runtime: Pick<Runtime, 'locate' | 'stopStage'>
  readonly #newShell: () => Shell
  readonly #isChanged: IsChanged
  /** Stages that this walk started. */
  readonly own: Set<StageName>
  #mayBeKept = true

  constructor(runtime: Pick<Runtime, 'locate' | 'stopStage'>, newShell: () => Shell, isChanged: IsChanged, own: readonly StageName[] = []) {
    this.#runtime = runtime
    this.#newShell = newShell
    this.#isChanged = isChanged
    this.own = new Set(own)
  }

  /** Stages that run, are not ours and are not what the lesson needs: somebody has to say that they may go. */
  async inTheWay(lesson: Lesson): Promise<StageName[]> {
    const needed = neededBy(lesson)
    const names = await Promise.all(
      (needed?.topologies ?? []).map(async (topology) => {
        const isStrange = !this.own.has(topology.stage) && (await this.#runtime.locate(topology.stage)) !== null
        return isStrange && (lesson.about.fresh || !(await this.#fits(topology, needed!))) ? [topology.stage] : []
      }),
    )
    return names.flat()
  }

  /** Brings up what the lesson needs, and takes down what of ours it does not. */
  async prepare(lesson: Lesson, signal?: AbortSignal): Promise<Prepared> {
    const needed = neededBy(lesson)
    const names = needed?.topologies.map(({ stage }) => stage) ?? []
    const mayBeKept = this.#mayBeKept && !lesson.about.fresh
    this.#mayBeKept = lesson.about.leaves === 'as-found' && !lesson.about.fresh
    if (needed && (await this.#allFit(needed)) && (mayBeKept || !names.some((name) => this.own.has(name)))) {
      await this.#takeDown([...this.own].filter((name) => !names.includes(name)))
      return names.some((name) => this.own.has(name)) ? 'kept' : 'found'
    }
    await this.takeDownOwn()
    if (!needed) return 'none'
    await this.#start(lesson, names, signal)
    return 'started'
  }

  /** What the lesson's `## Clean up` says, but for its last line. */
  async cleanUpAfter(lesson: Lesson): Promise<void> {
    if (lesson.cleanUp.trim() === '') return
    const shell = this.#newShell()
    const { exit, ended, output } = await shell.run(lesson.cleanUp, CLEAN_UP_MS_MAX)
    shell.close()
    if (exit === 0 && ended === null) return
    this.#mayBeKept = false
    throw failed(`Failed to clean up after lesson ${lesson.number}: ${ended ?? `exit ${exit}`}.\n${output.slice(-1000)}`)
  }

  /** What a broken lesson leaves is no ground for the next one. */
  distrust(): void {
    this.#mayBeKept = false
  }

  async takeDownOwn(): Promise<void> {
    await this.#takeDown([...this.own])
  }

  /** Also a stage that is not ours: its owner said so. */
  async takeDown(names: readonly StageName[]): Promise<void> {
    await this.#takeDown(names)
  }

  async #takeDown(names: readonly StageName[]): Promise<void> {
    for (const name of names) {
      await this.#runtime.stopStage(name)
      this.own.delete(name)
    }
  }

  async #start(lesson: Lesson, names: readonly StageName[], signal?: AbortSignal): Promise<void> {
    for (const name of names) this.own.add(name)
    const shell = this.#newShell()
    const { exit, ended, output } = await shell.run(lesson.setUp!, START_MS_MAX, signal)
    shell.close()
    if (exit === 0 && ended === null) return
    await this.takeDownOwn()
    throw failed(`Failed to set up lesson ${lesson.number} with \`${lesson.setUp!}\`: ${ended ?? `exit ${exit}`}.\n${output.slice(-1000)}`)
  }

  async #allFit(needed: UpRequest): Promise<boolean> {
    const fits = await Promise.all(needed.topologies.map((topology) => this.#fits(topology, needed)))
    return fits.every(Boolean)
  }

  /** It runs, every instance serves, nobody changed it since, and it is what `up` with the lesson's settings would start: natively, on the ports that the text names. */
  async #fits(topology: Topology, { settings }: UpRequest): Promise<boolean> {
    const located = await this.#runtime.locate(topology.stage)
    if (located?.phase !== 'running' || !isDeepStrictEqual(located.settings, settings)) return false
    if (located.runtime !== 'native' || !isDeepStrictEqual(located.topology, topology)) return false
    return (await instancesNotServing(located.instances)).length === 0 && !(await this.#isChanged(located))
  }
}

/** `null` for a lesson without a stage. */
export function neededBy({ about }: Lesson): UpRequest | null {
  if (about.stage === 'none') return null
  const settings = about.settings.split(/\s+/).filter(Boolean)
  return readUpRequest(parseArguments('up', [about.stage, '--detach', ...settings], UP_OPTIONS, 1))
}
