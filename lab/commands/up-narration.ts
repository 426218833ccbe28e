/**
 * What `up` in the foreground says when something happens to an instance, at once and in one line, with its last words if nobody asked.
 */
import { paint } from '../command-line/paint.ts'
import type { StageEvents } from '../runtime/runtime.ts'
import type { StageName } from '../topology.ts'

export function narrate(stage: StageName, print: (line: string) => void): StageEvents {
  const say = (text: string): void => print(`${paint.faint(new Date().toISOString().slice(11, 19))} ${text}`)
  return {
    died(instance, pid, words) {
      if (words === null) say(`${stage}/${instance} (pid ${pid}) was killed`)
      else say(`${paint.bad(`${stage}/${instance} (pid ${pid}) died by itself.`)} Its last lines:\n${words}`)
    },
    stopped: (instance) => say(`${stage}/${instance} was stopped`),
    paused: (instance) => say(`${stage}/${instance} is paused`),
    back: (instance) => say(paint.good(`${stage}/${instance} runs again`)),
  }
}
