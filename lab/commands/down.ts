/**
 * `down`: stops what `up` started, also after the lab itself crashed, and leaves nothing behind.
 */
import type { Command } from '../command-line/command.ts'
import { parseStages } from '../command-line/parse-arguments.ts'

export const command: Command = {
  summary: 'Stops what `up` started and leaves no process, port or CPU group behind.',
  operands: '[stage1|stage2|both]',
  options: {},
  help: '',
  async run({ operands }, { runtime, print }) {
    for (const stage of parseStages(operands[0])) {
      const stopped = await runtime.stopStage(stage)
      if (!stopped) {
        print(`${stage} does not run.`)
        continue
      }
      const killed = stopped.killed > 0 ? `; ${stopped.killed} did not end in time and were killed` : ''
      print(`${stage} stopped: ${stopped.processes} processes in ${(stopped.afterMs / 1000).toFixed(2)} s${killed}.`)
    }
    return 0
  },
}
