/**
 * The way to the container engine: Docker's own command line, one short call at a time.
 *
 * No client library: what is asked is little, people can repeat by hand what they see here, and contexts, remote engines and
 * Docker Desktop work as in their shell. Arguments are passed as they are, no shell reads them.
 */
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Failure, failed, misused } from '../failure.ts'

const CALL_MS_MAX = 60_000
const ANSWER_BYTES_MAX = 32 * 1024 * 1024

/** Standard output of `docker …`. Rejects with exit code 2 where there is no engine, with 1 and its last line where it refused. */
export function docker(args: readonly string[], deadlineMs = CALL_MS_MAX): Promise<string> {
  const options = { timeout: deadlineMs, maxBuffer: ANSWER_BYTES_MAX, killSignal: 'SIGKILL' } as const
  return new Promise((resolve, reject) => {
    execFile('docker', [...args], options, (error, stdout, stderr) => {
      if (!error) resolve(stdout)
      // Docker's client says nothing of being killed.
      else if (error.killed === true)
        reject(failed(`Failed to run docker ${args.slice(0, 3).join(' ')} …: no answer within ${deadlineMs / 1000} s.`))
      else reject(explain(args, error, stderr))
    })
  })
}

/** True where an engine with Compose answers. */
export async function hasEngine(): Promise<boolean> {
  try {
    await needEngine()
    return true
  } catch {
    return false
  }
}

/** Rejects where there is no engine, or no Compose. */
export async function needEngine(): Promise<void> {
  await docker(['version', '--format', '{{.Server.Version}}'], 10_000)
  await docker(['compose', 'version', '--short'], 10_000)
}

export interface ComposeRun {
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly deadlineMs: number
  readonly onLine?: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/** `docker compose …`, which may take minutes; tells each line as it comes. Rejects with the last ones. */
export async function runCompose({ args, environment, deadlineMs, onLine, signal }: ComposeRun): Promise<void> {
  const child = spawn('docker', ['compose', ...args], {
    env: { ...process.env, ...environment, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([AbortSignal.timeout(deadlineMs), ...(signal ? [signal] : [])]),
    // Ctrl-C in our terminal is ours to answer.
    detached: true,
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      onLine?.(line)
      if (line.trim() && said.push(line.trim()) > 40) said.shift()
    })
  }
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(explain(['compose', ...args], error, said.join('\n'))))
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(explain(['compose', ...args], new Error(`exit code ${code}`), said.join('\n')))
    })
  })
}

const NO_ENGINE =
  /Cannot connect to the Docker daemon|failed to connect to the docker API|permission denied while trying to connect|error during connect|Is the docker daemon running/i
/** What an engine that is there answers, and our words for one that did not answer in time. */
const ENGINE_IS_THERE =
  /Error response from daemon|request returned .* for API route|No such (object|container)|EOF|connection reset|no answer within/

/**
 * True where a call has failed and no engine was reached. Clients word that in many ways (another context, a stub without an engine), and
 * nobody who asked for no container should have to care.
 */
export function isWithoutEngine(error: unknown): boolean {
  return error instanceof Failure && !ENGINE_IS_THERE.test(error.message)
}

function explain(args: readonly string[], error: Error, stderr: string): Failure {
  const said = stderr.trim()
  if ((error as NodeJS.ErrnoException).code === 'ENOENT')
    return misused(
      'Failed to find docker: expected it in PATH.\nInstall Docker Engine with its Compose plugin, or leave out --runtime compose.',
    )
  if (NO_ENGINE.test(said))
    return misused(`Failed to reach a container engine: ${said.split('\n').at(-1)}\nStart Docker, or leave out --runtime compose.`)
  if (/'compose' is not a docker command|unknown (shorthand )?flag/.test(said))
    return misused('Failed to find Docker Compose 2: found docker without it.\nInstall its plugin (Debian: docker-compose-plugin).')
  return failed(`Failed to run docker ${args.slice(0, 3).join(' ')} …: ${said.split('\n').slice(-3).join('\n') || error.message}`)
}
