/**
 * `durability STAGE --set WORD`: changes who must confirm a write while the stage runs.
 *
 * Only stage 2 can: PostgreSQL takes new names of synchronous standbys with a reload. Stage 1's primary is told once, when
 * it starts.
 */
import type { Command } from '../command-line/command.ts'
import { oneOf, parseStage } from '../command-line/parse-arguments.ts'
import { misused } from '../failure.ts'
import { DURABILITIES } from '../service-environment.ts'

export const command: Command = {
  summary: 'Changes who must confirm a write, while stage 2 is running.',
  operands: 'STAGE',
  options: { set: { type: 'string' } },
  help: `  --set            ${DURABILITIES.join(' | ')}: acknowledge after the primary, one standby, or all`,
  async run({ operands, values }, { runtime, print }) {
    const stage = parseStage(operands[0] ?? '')
    if (stage !== 'stage2')
      throw misused(
        `Failed to set the durability of ${stage}: it is chosen by \`up --durability\`; only stage2 can change it while it runs.`,
      )
    const durability = oneOf('--set', (values['set'] as string | undefined) ?? '', DURABILITIES)
    await runtime.setDurability(stage, durability)
    print(`${stage} now acknowledges a write after ${MEANING[durability]}.`)
    return 0
  },
}

const MEANING = { async: 'the primary alone', quorum: 'one standby', all: 'both standbys' }
