/**
 * The terminal of a lesson: one `bash` at the root of the repository, in which its steps run one after the other, so that variables live on.
 *
 * Each command is evaluated in the shell itself, with no input and with its errors among its output, and followed by a line that only we know: that is
 * its end. The shell leads a process group of its own: a Ctrl-C in the reader's terminal does not reach it, and a step that takes too long is ended with all that it started.
 * (Instances of a stage are in sessions of their own and stay.)
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import type { Addresses } from './addresses.ts'
import type { StepOutcome } from './claim.ts'

const OUTPUT_CHARACTERS_MAX = 2_000_000

export interface ShellOutcome extends StepOutcome {
  /** Why it was ended before its end, if it was. */
  readonly ended: 'deadline' | 'stopped' | 'too much output' | null
}

/** What a runner of steps needs of a shell; tests bring their own. */
export interface Shell {
  /** Never rejects; `signal` ends the command. */
  run(command: string, deadlineMs: number, signal?: AbortSignal): Promise<ShellOutcome>
  /** Ends whatever still runs in it. */
  close(): void
}

export class LessonShell implements Shell {
  readonly #addresses: Addresses
  readonly #environment: NodeJS.ProcessEnv
  #bash: ChildProcessWithoutNullStreams | undefined

  constructor(stateDirectory: string, addresses: Addresses) {
    this.#addresses = addresses
    const { FORCE_COLOR: _, ...inherited } = process.env
    // Numbers are printed with a point everywhere: claims read them.
    this.#environment = { ...inherited, NO_COLOR: '1', RELAIS_STATE_DIR: stateDirectory, LC_ALL: 'C.UTF-8' }
  }

  async run(command: string, deadlineMs: number, signal?: AbortSignal): Promise<ShellOutcome> {
    const bash = (this.#bash ??= this.#start())
    const mark = randomUUID()
    bash.stdin.write(`eval ${quoted(this.#addresses.moved(command))} </dev/null 2>&1; printf '\\n%s %s\\n' ${mark} "$?"\n`)
    const outcome = await this.#read(bash, mark, deadlineMs, signal)
    return { ...outcome, output: this.#addresses.asOnThePage(outcome.output) }
  }

  close(): void {
    const { pid } = this.#bash ?? {}
    this.#bash = undefined
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }

  #start(): ChildProcessWithoutNullStreams {
    const bash = spawn('bash', ['--noprofile', '--norc'], { cwd: REPOSITORY, env: this.#environment, detached: true, stdio: 'pipe' })
    bash.stdin.on('error', () => {})
    bash.on('error', () => {})
    for (const stream of [bash.stdout, bash.stderr]) stream.setEncoding('utf8')
    bash.stdin.write(PRELUDE)
    return bash
  }

  #read(bash: ChildProcessWithoutNullStreams, mark: string, deadlineMs: number, signal?: AbortSignal): Promise<ShellOutcome> {
    return new Promise((resolve) => {
      let output = ''
      const settle = (outcome: ShellOutcome): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        bash.off('close', close)
        for (const stream of [bash.stdout, bash.stderr]) stream.off('data', take)
        if (outcome.ended !== null) this.close()
        resolve({ ...outcome, output: outcome.output.replace(/\n$/, '') })
      }
      const take = (chunk: string): void => {
        output += chunk
        const end = output.lastIndexOf(`\n${mark} `)
        const exit = end === -1 ? null : /^\n\S+ (\d+)\n/.exec(output.slice(end))
        if (exit) settle({ output: output.slice(0, end), exit: Number(exit[1]), ended: null })
        else if (output.length > OUTPUT_CHARACTERS_MAX) settle({ output, exit: 1, ended: 'too much output' })
      }
      const abort = (): void => settle({ output, exit: 1, ended: 'stopped' })
      // A step may say `exit`; the next one gets a new shell.
      const close = (code: number | null): void => {
        this.#bash = undefined
        settle({ output, exit: code ?? 1, ended: null })
      }
      const timer = setTimeout(() => settle({ output, exit: 1, ended: 'deadline' }), deadlineMs)
      for (const stream of [bash.stdout, bash.stderr]) stream.on('data', take)
      bash.once('close', close)
      signal?.addEventListener('abort', abort, { once: true })
      if (signal?.aborted) abort()
    })
  }
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

const LAB = path.join(REPOSITORY, 'lab')

/** `npm run lab -- …` without npm: half a second less each, and no banner among the output. `up` goes through the door, which installs what is missing. */
const PRELUDE = `npm() {
  if [ "$1" != run ] || [ "$2" != lab ] || [ "$3" != -- ]; then command npm "$@"; return; fi
  shift 3
  if [ "$1" = up ]; then ${quoted(process.execPath)} ${quoted(path.join(LAB, 'start.mjs'))} lab "$@"
  else ${quoted(process.execPath)} ${quoted(path.join(LAB, 'cli.ts'))} "$@"; fi
}
export -f npm
`
