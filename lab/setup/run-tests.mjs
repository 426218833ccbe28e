/** Every test of the workspace, after the system has what any of them needs. */
import path from 'node:path'
import { needNginx } from './need-nginx.mjs'
import { needPostgres } from './need-postgres.mjs'
import { runProgram } from './run-program.mjs'
import { wantChromium } from './want-chromium.mjs'

/** `args` go to `vitest run`. Resolves to the exit code. */
export async function runTests(repository, node, args) {
  await needNginx()
  await needPostgres()
  const env = { ...process.env, ...(await wantChromium()) }
  return runProgram(node, [path.join(repository, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...args], { cwd: repository, env })
}
