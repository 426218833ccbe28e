/**
 * From `process.argv` to an exit code: finds the verb, prints help, turns a failure into its lines.
 */
import { parseArgs } from 'node:util'
import { Failure, misused } from '../failure.ts'
import { EitherRuntime } from '../runtime/either-runtime.ts'
import { stateDirectory } from '../runtime/stage-directory.ts'
import { COMMON_OPTIONS, type Command } from './command.ts'
import { closest } from './closest.ts'
import { paint } from './paint.ts'
import { parseArguments } from './parse-arguments.ts'

/** Loaded when asked for: `kill` should not pay for what `up` imports. */
export type Verbs = Readonly<Record<string, () => Promise<{ readonly command: Command }>>>

export async function runVerb(verbs: Verbs, args: readonly string[]): Promise<number> {
  // Whoever reads us may leave (`npm start | head`); the stage must not be left behind by an uncaught EPIPE.
  process.stdout.on('error', () => {})
  try {
    return await run(verbs, args)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    process.stderr.write(`${paint.badOnError(error.message)}\n`)
    return error.exitCode
  }
}

async function run(verbs: Verbs, [verb, ...args]: readonly string[]): Promise<number> {
  const names = Object.keys(verbs)
  if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
    await printVerbs(verbs)
    return verb === undefined ? 2 : 0
  }
  const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (!load) {
    const near = closest(verb, names)
    throw misused(`Failed to find the verb "${verb}"${near ? `, did you mean ${near}?` : '.'}\nThe verbs are ${names.join(', ')}.`)
  }
  const { command } = await load()
  if (isHelpAsked(args)) {
    printHelp(verb, command)
    return 0
  }
  const operandsMax = command.operands.split(' ').filter(Boolean).length
  const given = parseArguments(verb, args, { ...COMMON_OPTIONS, ...command.options }, operandsMax)
  const directory = stateDirectory(given.values['state-dir'] as string | undefined)
  return command.run(given, {
    runtime: new EitherRuntime(directory),
    stateDirectory: directory,
    print: (line = '') => process.stdout.write(`${line}\n`),
  })
}

/** Help is given even when the rest of the line is wrong: that is when it is needed. */
function isHelpAsked(args: readonly string[]): boolean {
  return parseArgs({ args: [...args], options: COMMON_OPTIONS, strict: false }).values.help === true
}

async function printVerbs(verbs: Verbs): Promise<void> {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length))
  const rows = await Promise.all(
    Object.entries(verbs).map(async ([name, load]) => `  ${name.padEnd(width)}  ${(await load()).command.summary}`),
  )
  process.stdout.write(`Usage: npm run lab -- VERB …\n\n${rows.join('\n')}\n\nnpm run lab -- VERB --help says more.\n`)
}

const COMMON_HELP = `  --state-dir DIR  where run state is kept (default .relais, or RELAIS_STATE_DIR)
  --help           this text`

function printHelp(verb: string, command: Command): void {
  const usage = ['npm run lab --', verb, command.operands, '[options]'].filter(Boolean).join(' ')
  const options = [command.help, COMMON_HELP].filter(Boolean).join('\n')
  const codes = 'Exit code: 0 done, 1 failed, 2 wrong usage or a missing prerequisite.'
  process.stdout.write(`${command.summary}\n\nUsage: ${usage}\n\nOptions:\n${options}\n\n${codes}\n`)
}
