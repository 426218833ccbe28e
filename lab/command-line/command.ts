/**
 * What a verb is: its help, its options, and what it does. One file in `commands/` each.
 */
import type { ParseArgsOptionsConfig } from 'node:util'
import type { Runtime } from '../runtime/runtime.ts'

export interface Command {
  /** One line, for the list of verbs. */
  readonly summary: string
  /** What may stand behind the verb, for example "STAGE/NAME"; empty for nothing. */
  readonly operands: string
  readonly options: ParseArgsOptionsConfig
  /** The rest of `--help`: options line by line, examples. */
  readonly help: string
  /** Resolves to the exit code. */
  run(given: Given, context: Context): Promise<number>
}

/** What was typed behind the verb, checked against the options and nothing else. */
export interface Given {
  readonly operands: readonly string[]
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
}

export interface Context {
  readonly runtime: Runtime
  readonly stateDirectory: string
  readonly print: (line?: string) => void
}

/** Options that every verb takes. */
export const COMMON_OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  'state-dir': { type: 'string' },
} as const satisfies ParseArgsOptionsConfig
