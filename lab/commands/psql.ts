/**
 * `psql STAGE/NAME`: opens psql on the PostgreSQL server of a database instance, or runs one command there.
 *
 * As the cluster's administrator: it is your own lab, and half of what there is to see (slots,
 * walsenders, settings) is hidden from lesser roles.
 */
import { spawn } from 'node:child_process'
import type { Command } from '../command-line/command.ts'
import { parseTarget } from '../command-line/parse-arguments.ts'
import { failed, misused } from '../failure.ts'

export const command: Command = {
  summary: "Opens psql on a database instance's PostgreSQL server.",
  operands: 'STAGE/NAME',
  options: { command: { type: 'string', short: 'c', multiple: true } },
  help: `  STAGE/NAME       stage2/db1, stage2/db2 or stage2/db3
  --command, -c    run this and exit, for example -c 'TABLE pg_stat_replication'; may be repeated`,
  async run({ operands, values }, { runtime }) {
    const target = parseTarget('psql', operands[0])
    if (target.stage !== 'stage2')
      throw misused(`Failed to open psql: ${target.stage} has no PostgreSQL, expected stage2/db1, stage2/db2 or stage2/db3.`)
    const scripts = (values['command'] ?? []) as readonly string[]
    const asked = scripts.flatMap((script) => ['-c', script])
    const isInteractive = asked.length === 0 && process.stdin.isTTY
    const { command: file, args, env } = await runtime.psql(target.instance, asked, isInteractive)
    return runPsql(file, args, { ...process.env, ...env })
  },
}

/** Resolves to psql's own exit code, or 1 when a signal ended it. A Ctrl-C is psql's: it ends a query there, and not the session. */
function runPsql(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const ignore = (): void => {}
    process.on('SIGINT', ignore)
    const child = spawn(file, args, { env, stdio: 'inherit' })
    child.once('error', (error) => reject(failed(`Failed to run ${file}: ${error.message}.`)))
    child.once('exit', (code) => {
      process.off('SIGINT', ignore)
      resolve(code ?? 1)
    })
  })
}
