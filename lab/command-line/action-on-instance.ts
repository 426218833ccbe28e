/**
 * The verbs that act on one instance, but for `pause`, differ in one word: which of the runtime's actions they call.
 */
import type { Command } from './command.ts'
import { parseTarget } from './parse-arguments.ts'

export type Action = 'kill' | 'stop' | 'start' | 'resume'

export function actionOnInstance(action: Action, summary: string): Command {
  return {
    summary,
    operands: 'STAGE/NAME',
    options: {},
    help: `  STAGE/NAME       an instance or a load balancer, for example stage1/db2 or stage1/db-lb;\n                   \`npm run lab -- status\` lists them`,
    async run({ operands }, { runtime, print }) {
      print(await runtime[action](parseTarget(action, operands[0])))
      return 0
    },
  }
}
