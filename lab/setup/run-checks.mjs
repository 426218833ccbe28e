/**
 * `npm run check`: types, lint, format, unused code. All four run even if the first fails, and each is reported.
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'

const CHECKS = [
  { name: 'types', program: 'tsc', args: ['--noEmit'] },
  { name: 'lint', program: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'format', program: 'oxfmt', args: ['--check', '.'] },
  { name: 'unused', program: 'knip', args: [] },
]

/** 0 when every check passes, otherwise 1. `node` comes first in PATH, as the tools' scripts ask for it by name. */
export function runChecks(repository, node) {
  const directory = path.join(repository, 'node_modules', '.bin')
  const env = { ...process.env, PATH: [path.dirname(node), directory, process.env.PATH].join(path.delimiter) }
  const rows = CHECKS.map(({ name, program, args }) => {
    const startedAtMs = performance.now()
    process.stdout.write(`── ${name}: ${program} ${args.join(' ')}\n`)
    const { status, error } = spawnSync(path.join(directory, program), args, { cwd: repository, stdio: 'inherit', env })
    if (error) process.stderr.write(`Failed to run ${program}: ${error.message}\n`)
    return { name, isPassed: status === 0, seconds: (performance.now() - startedAtMs) / 1000 }
  })
  process.stdout.write('\n')
  for (const { name, isPassed, seconds } of rows)
    process.stdout.write(`${isPassed ? 'passed' : 'FAILED'}  ${name} (${seconds.toFixed(1)} s)\n`)
  return rows.every(({ isPassed }) => isPassed) ? 0 : 1
}
