/** Runs one of PostgreSQL's programs to its end, as the server's user, with a deadline or a signal; what it said goes into the error. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { ServerUser } from './server-user.ts'

export interface ProgramOptions {
  readonly user?: ServerUser | undefined
  readonly env?: Record<string, string>
  /** By default two minutes; then it is sent SIGTERM. `Infinity`: whoever has the signal decides. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  /** A file that is given to the program as standard input: we may read it, the server's user perhaps not. */
  readonly script?: string
}

const OUTPUT_CHARACTERS_MAX = 64 * 1024

/** Resolves to standard output; rejects with the last lines of standard error when the exit code is not 0. Either way it is gone. */
export async function runProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { user, env = {}, timeoutMs = 120_000, signal, script } = options
  signal?.throwIfAborted()
  const input = openSync(script ?? '/dev/null', 'r')
  // A directory that every user may be in: programs of PostgreSQL want to come back to where they started.
  const child = spawn(command, args, {
    cwd: '/',
    env: programEnvironment(env),
    stdio: [input, 'pipe', 'pipe'],
    ...(Number.isFinite(timeoutMs) && { timeout: timeoutMs }),
    ...user,
  })
  closeSync(input)
  const end = (): void => void child.kill()
  signal?.addEventListener('abort', end, { once: true })
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)))
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, by) => {
      signal?.removeEventListener('abort', end)
      if (code === 0) return resolve(output)
      const said = errors.trim().split('\n').slice(-6).join('\n')
      const late = signal?.aborted ? 'it was ended, as asked' : `it did not end within ${timeoutMs} ms and was sent SIGTERM`
      const found = child.killed ? late : `ended with ${by ?? `exit code ${code}`}, expected 0`
      reject(new Error(`Failed to run ${command}: ${found}.\n${said}`))
    })
  })
}

/** Nothing of the caller's `PG…` variables: they would quietly send our programs to another server. */
export function programEnvironment(env: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...env }
}
