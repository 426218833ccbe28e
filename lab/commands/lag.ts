/**
 * `lag STAGE/NAME --delay-ms N`: a replica that is late, made so while it runs.
 *
 * Stage 1's replica service holds back what the primary sends; stage 2's standby takes the WAL at once and applies it late
 * (`recovery_min_apply_delay`). Either way the writes are there, and a read does not see them yet.
 */
import { DELAY_MS_MAX } from '@relais/shared/http/injected-faults.ts'
import type { Command } from '../command-line/command.ts'
import { integerWithin } from '../command-line/parse-arguments.ts'
import { refuseContainers, runningInstance } from '../command-line/running-instance.ts'
import { injectFault, readFaults } from '../runtime/injected-faults.ts'
import { readApplyDelayMs, setApplyDelayMs } from '../runtime/apply-delay.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'

export const command: Command = {
  summary: 'Makes a running replica late.',
  operands: 'STAGE/NAME',
  options: { 'delay-ms': { type: 'string' } },
  help: `  STAGE/NAME       a replica, for example stage1/db2 or stage2/db3
  --delay-ms N     how late it is, 0 to ${DELAY_MS_MAX}; 0 ends the delay; without it, shows the current delay
                   Stage 1: lasts until it is set to 0, or until \`down\`. The primary gives up on a call after 2 s
                   (fan-out: 1 s) and repeats it, so a longer delay shows that as well. Stage 2: sets
                   recovery_min_apply_delay; a restart of the server ends it, too.`,
  async run({ operands, values }, { runtime, stateDirectory, print }) {
    const expected = 'a replica, for example stage1/db2'
    const { target, name, instance, stage } = await runningInstance(runtime, 'lag', operands[0], ({ role }) => role === 'replica', expected)
    refuseContainers(stage, 'lag')
    const directory = new StageDirectory(stateDirectory, target.stage)
    const text = values['delay-ms'] as string | undefined
    const isStage2 = target.stage === 'stage2'
    if (text === undefined) {
      const delayMs = isStage2
        ? await readApplyDelayMs(directory, stage.topology, instance.name)
        : readFaults(directory, instance.name).replicationDelayMs
      print(`${name} is made ${delayMs} ms late.`)
      return 0
    }
    const delayMs = integerWithin('--delay-ms', text, 0, DELAY_MS_MAX)
    if (isStage2) await setApplyDelayMs(directory, stage.topology, instance.name, delayMs)
    else await injectFault(directory, instance, 'replicationDelayMs', delayMs)
    print(delayMs === 0 ? `${name} is no longer delayed.` : `${name} is now ${delayMs} ms late.`)
    return 0
  },
}
