/**
 * The workspace's packages, by the pinned pnpm, exactly as the lockfile has them.
 *
 * A stamp in node_modules holds a hash of the lockfile and the manifests: while it matches, a start costs some file reads
 * and needs no network. It is written last, so an interrupted install is repeated.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runProgram } from './run-program.mjs'
import { say, stopWith } from './stop-with.mjs'

const PNPM = 'pnpm@12.21.0'
const MANIFESTS = [
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'package.json',
  ...['shared', 'stage1-memory', 'stage2-postgres', 'lab'].map((name) => `${name}/package.json`),
]

export async function installWorkspace(repository) {
  const stamp = path.join(repository, 'node_modules', '.relais-installed')
  const hash = hashOf(repository)
  if (read(stamp) === hash) return
  say(`Installing the packages of the workspace (npx ${PNPM} install --frozen-lockfile) …`)
  const code = await runProgram('npx', ['-y', PNPM, 'install', '--frozen-lockfile'], {
    cwd: repository,
    // Its output is progress, not the verb's answer. CI: it must not ask whether it may replace node_modules.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, CI: 'true' },
  })
  if (code !== 0) {
    stopWith(
      `Failed to install the packages of the workspace: pnpm ended with exit code ${code} (its output is above).`,
      `When the network is there, run: npx -y ${PNPM} install --frozen-lockfile`,
    )
  }
  writeFileSync(stamp, hash)
}

function hashOf(repository) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const name of MANIFESTS) {
    const file = path.join(repository, name)
    if (existsSync(file)) hash.update(name).update(readFileSync(file))
  }
  return hash.digest('hex')
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
