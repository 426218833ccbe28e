/**
 * `demo`: section 6.5 of the report, run against the running stage: what it claims is shown, and each claim is checked.
 */
import type { Command } from '../command-line/command.ts'
import { paint } from '../command-line/paint.ts'
import { parseStage } from '../command-line/parse-arguments.ts'
import { ClaimSheet } from '../demo/claim-sheet.ts'
import { followWrite } from '../demo/follow-write.ts'
import { readTenTimes } from '../demo/read-ten-times.ts'
import { sendRecordedCommands } from '../demo/recorded-commands.ts'
import { writeTenTimes } from '../demo/write-ten-times.ts'
import { failed, misused } from '../failure.ts'
import { instancesNotServing } from '../runtime/readiness.ts'
import { STAGE_NAMES } from '../topology.ts'

export const command: Command = {
  summary: "Runs the report's section 6.5: ten reads, ten writes, its recorded commands, one write followed into every replica.",
  operands: '[stage1|stage2]',
  options: {},
  help: '',
  async run({ operands }, { runtime, print }) {
    const stage = parseStage(operands[0] ?? STAGE_NAMES[0])
    const located = await runtime.locate(stage)
    if (!located)
      throw misused(
        `Failed to run the demo: ${stage} does not run.\nStart it with \`npm run lab -- up ${stage} --detach\`, or \`npm start\` in another terminal.`,
      )
    const absent = await instancesNotServing(located.instances)
    if (absent.length > 0)
      throw failed(
        `Failed to run the demo: ${absent.join(', ')} of ${stage} not ready; every instance must be.\nSee \`npm run lab -- status\`.`,
      )

    const sheet = new ClaimSheet(print)
    for (const part of [readTenTimes, writeTenTimes, sendRecordedCommands, followWrite]) await part(located, sheet)
    print()
    if (sheet.broken === 0) print(paint.good(`All ${sheet.checked} claims hold.`))
    else print(paint.bad(`${sheet.broken} of ${sheet.checked} claims do not hold.`))
    return sheet.broken === 0 ? 0 : 1
  },
}
