/** The instance that a verb names, of a stage that runs; otherwise a failure that says what is missing and how to get it. */
import { failed, misused } from '../failure.ts'
import type { LocatedInstance, LocatedStage, Runtime, Target } from '../runtime/runtime.ts'
import type { StageName } from '../topology.ts'
import { parseTarget } from './parse-arguments.ts'

/** `verb` in words: "slow down stage1/db2". */
export async function runningStage(runtime: Pick<Runtime, 'locate'>, stage: StageName, doing: string): Promise<LocatedStage> {
  const located = await runtime.locate(stage)
  if (!located) throw failed(`Failed to ${doing}: ${stage} does not run.\nStart it with \`npm run lab -- up ${stage}\`.`)
  return located
}

/** For verbs that work by files and addresses of this machine: what `down` leaves of an earlier native run must not pass for the containers'. */
export function refuseContainers({ stage, runtime }: LocatedStage, verb: string): void {
  if (runtime === 'native') return
  throw failed(`Failed to ${verb}: it works on processes only, and ${stage} runs in containers.\nStart ${stage} with \`--runtime native\`.`)
}

export interface RunningInstance {
  readonly target: Target
  readonly name: string
  readonly stage: LocatedStage
  readonly instance: LocatedInstance
}

/** `accepts` says which instances the verb is for, and `expected` names them to who gave another. */
export async function runningInstance(
  runtime: Pick<Runtime, 'locate'>,
  verb: string,
  text: string | undefined,
  accepts: (instance: LocatedInstance) => boolean,
  expected: string,
): Promise<RunningInstance> {
  const target = parseTarget(verb, text)
  const name = `${target.stage}/${target.instance}`
  const stage = await runningStage(runtime, target.stage, `find ${name}`)
  const instance = stage.instances.find((one) => one.name === target.instance)
  if (!instance || target.process !== undefined || !accepts(instance))
    throw misused(`Failed to read \`${verb}\`: found ${text}, expected ${expected}.`)
  if (instance.life !== 'running')
    throw failed(`Failed to ${verb} ${name}: it does not run (${instance.life}).\nSee it with \`npm run lab -- status\`.`)
  return { target, name, stage, instance }
}
