/**
 * The door: what every npm script calls, on whatever Node the user has (18 or newer), before anything is installed.
 *
 *   npm start ─▶ start.mjs ─▶ packages (pnpm, frozen lockfile) ─▶ Node ≥ 24.12 ─▶ Nginx, PostgreSQL ─▶ lab/cli.ts, or vitest, or the checks
 *
 * Plain JavaScript without dependencies: the TypeScript that follows needs a newer Node than the user may have. When all is in place
 * it adds some milliseconds and needs no network.
 */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { installWorkspace } from './setup/install-workspace.mjs'
import { needNginx } from './setup/need-nginx.mjs'
import { needPostgres } from './setup/need-postgres.mjs'
import { findRightNode } from './setup/right-node.mjs'
import { runChecks } from './setup/run-checks.mjs'
import { runProgram } from './setup/run-program.mjs'
import { stopWith } from './setup/stop-with.mjs'
import { wantChromium } from './setup/want-chromium.mjs'
import { programsFor } from './setup/programs-for.mjs'

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [door, ...args] = process.argv.slice(2)
const TESTS = path.join(repository, 'node_modules', 'vitest', 'vitest.mjs')
const DOORS = {
  start: () => runLab(['up', ...args]),
  lab: () => runLab(args),
  test: async () => runNode([TESTS, 'run', ...args], { cwd: repository, env: { ...process.env, ...(await prepareTests()) } }),
  check: () => runChecks(repository, findRightNode(repository)),
}
if (!Object.hasOwn(DOORS, door)) stopWith(`Failed to start: found "${door ?? ''}", expected ${Object.keys(DOORS).join(', ')}.`)
await installWorkspace(repository)
process.exitCode = await DOORS[door]()

async function runLab(labArgs) {
  const needed = programsFor(labArgs)
  if (needed.has('nginx')) await needNginx()
  if (needed.has('postgres')) await needPostgres()
  return runNode([path.join(repository, 'lab', 'cli.ts'), ...labArgs])
}

async function prepareTests() {
  await needNginx()
  await needPostgres()
  return wantChromium()
}

function runNode(nodeArgs, options) {
  return runProgram(findRightNode(repository), nodeArgs, options)
}
