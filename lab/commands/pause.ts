/**
 * `pause STAGE/NAME`: freezes an instance. What that is, is the runtime's business: runtime/runtime.ts.
 *
 * `--for-ms N` lets it go on by itself, also after Ctrl-C: a pause of a known length, which two commands cannot make.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../command-line/command.ts'
import { integerWithin, parseTarget } from '../command-line/parse-arguments.ts'

const PAUSE_MS_MAX = 600_000

export const command: Command = {
  summary: 'Freezes an instance (SIGSTOP): it keeps its connections but answers nothing.',
  operands: 'STAGE/NAME',
  options: { 'for-ms': { type: 'string' } },
  help: `  STAGE/NAME       an instance or a load balancer, for example stage1/db2 or stage1/db-lb;
                   \`npm run lab -- status\` lists them
  --for-ms N       resumes it after N ms, 1 to ${PAUSE_MS_MAX}; without it, it stays paused until \`resume\``,
  async run({ operands, values }, { runtime, print }) {
    const target = parseTarget('pause', operands[0])
    const forMs = values['for-ms'] === undefined ? null : integerWithin('--for-ms', values['for-ms'] as string, 1, PAUSE_MS_MAX)
    const stop = new AbortController()
    if (forMs !== null) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
    print(await runtime.pause(target))
    if (forMs === null) return 0
    await sleep(forMs, undefined, { signal: stop.signal }).catch(() => {})
    print(await runtime.resume(target))
    return 0
  },
}
