/**
 * `slow STAGE/NAME --delay-ms N`: an instance that is slower than its like, as an old machine or a noisy neighbour makes it.
 *
 * The service itself holds each request back, so its requests in progress add up as they do on a slow machine: that is what
 * least-conn looks at, and what round-robin does not see.
 */
import { DELAY_MS_MAX } from '@relais/shared/http/injected-faults.ts'
import type { Command } from '../command-line/command.ts'
import { integerWithin } from '../command-line/parse-arguments.ts'
import { refuseContainers, runningInstance } from '../command-line/running-instance.ts'
import { injectFault, readFaults } from '../runtime/injected-faults.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'

export const command: Command = {
  summary: 'Makes an instance slow: it delays each request.',
  operands: 'STAGE/NAME',
  options: { 'delay-ms': { type: 'string' } },
  help: `  STAGE/NAME       a frontend, a backend or a database service, for example stage1/backend2
  --delay-ms N     how long each request waits, 0 to ${DELAY_MS_MAX}; 0 ends the delay; without it, shows the current delay
                   Lasts until it is set to 0, or until \`down\`, even across \`kill\` and \`start\`.
                   Health checks and replication are not delayed.`,
  async run({ operands, values }, { runtime, stateDirectory, print }) {
    const expected = 'a frontend, a backend or a database, for example stage1/backend2'
    const { target, name, instance, stage } = await runningInstance(runtime, 'slow', operands[0], ({ tier }) => tier !== 'lb', expected)
    refuseContainers(stage, 'slow')
    const directory = new StageDirectory(stateDirectory, target.stage)
    const text = values['delay-ms'] as string | undefined
    if (text === undefined) {
      print(`${name} holds each request back ${readFaults(directory, instance.name).answerDelayMs} ms.`)
      return 0
    }
    const delayMs = integerWithin('--delay-ms', text, 0, DELAY_MS_MAX)
    await injectFault(directory, instance, 'answerDelayMs', delayMs)
    print(delayMs === 0 ? `${name} no longer holds requests back.` : `${name} now holds each request back ${delayMs} ms.`)
    return 0
  },
}
