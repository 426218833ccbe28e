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
import { findRightNode } from './setup/right-node.mjs'
import { runChecks } from './setup/run-checks.mjs'
import { runLab } from './setup/run-lab.mjs'
import { runTests } from './setup/run-tests.mjs'
import { stopWith } from './setup/stop-with.mjs'

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [door, ...args] = process.argv.slice(2)
const DOORS = {
  start: (node) => runLab(repository, node, ['up', ...args]),
  lab: (node) => runLab(repository, node, args),
  test: (node) => runTests(repository, node, args),
  check: (node) => runChecks(repository, node),
}
if (!Object.hasOwn(DOORS, door)) stopWith(`Failed to start: found "${door ?? ''}", expected ${Object.keys(DOORS).join(', ')}.`)
await installWorkspace(repository)
process.exitCode = await DOORS[door](findRightNode(repository))
