/**
 * The runtime that a command works with: for each stage the one that has it.
 *
 *   up --runtime WORD ─▶ that one          every other verb ─▶ native if it has the stage, else compose if it has it
 *
 * Native first: its state is a file, the engine is a call. Where neither has the stage, native answers, in its words.
 */
import { failed } from '../failure.ts'
import type { Durability } from '../service-environment.ts'
import type { StageName, Topology } from '../topology.ts'
import { isWithoutEngine } from './compose-engine.ts'
import { ComposeRuntime } from './compose.ts'
import { NativeRuntime } from './native.ts'
import type { LocatedStage, PsqlCommand, Runtime, StageEvents, StageSettings } from './runtime.ts'
import type { StartOptions, StartedStage, StoppedStage, Target } from './runtime.ts'

export class EitherRuntime implements Runtime {
  readonly #native: NativeRuntime
  readonly #compose: ComposeRuntime

  constructor(stateDirectory: string) {
    this.#native = new NativeRuntime(stateDirectory)
    this.#compose = new ComposeRuntime(stateDirectory)
  }

  async startStage(topology: Topology, settings: StageSettings, options: StartOptions = {}): Promise<StartedStage> {
    const { runtime = 'native' } = options
    const { stage } = topology
    const [chosen, other] = runtime === 'native' ? [this.#native, this.#compose] : [this.#compose, this.#native]
    if (await locatedBy(other, stage)) {
      const found = runtime === 'native' ? 'compose' : 'native'
      throw failed(`Failed to start ${stage}: it already runs (${found}), expected it to be down.\nEnd it with \`npm run lab -- down\`.`)
    }
    return chosen.startStage(topology, settings, options)
  }

  async stopStage(stage: StageName): Promise<StoppedStage | null> {
    return (await this.#of(stage)).stopStage(stage)
  }
  async setDurability(stage: StageName, durability: Durability): Promise<void> {
    return (await this.#of(stage)).setDurability(stage, durability)
  }
  async psql(instance: string, args: readonly string[], isInteractive?: boolean): Promise<PsqlCommand> {
    return (await this.#of('stage2')).psql(instance, args, isInteractive)
  }
  async locate(stage: StageName): Promise<LocatedStage | null> {
    return (await this.#native.locate(stage)) ?? locatedBy(this.#compose, stage)
  }
  async watch(stage: StageName, events: StageEvents, signal: AbortSignal): Promise<'down' | 'aborted'> {
    return (await this.#of(stage)).watch(stage, events, signal)
  }
  async start(target: Target): Promise<string> {
    return (await this.#of(target.stage)).start(target)
  }
  async stop(target: Target): Promise<string> {
    return (await this.#of(target.stage)).stop(target)
  }
  async kill(target: Target): Promise<string> {
    return (await this.#of(target.stage)).kill(target)
  }
  async pause(target: Target): Promise<string> {
    return (await this.#of(target.stage)).pause(target)
  }
  async resume(target: Target): Promise<string> {
    return (await this.#of(target.stage)).resume(target)
  }

  async #of(stage: StageName): Promise<Runtime> {
    if (await this.#native.locate(stage)) return this.#native
    return (await locatedBy(this.#compose, stage)) ? this.#compose : this.#native
  }
}

/** Where there is no engine, nothing runs on it. (!) One that is there and did not answer may well run the stage: that is an error. */
function locatedBy(runtime: Runtime, stage: StageName): Promise<LocatedStage | null> {
  return runtime.locate(stage).catch((error: unknown) => {
    if (runtime instanceof ComposeRuntime && isWithoutEngine(error)) return null
    throw error
  })
}
