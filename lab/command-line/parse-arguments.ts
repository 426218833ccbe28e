/**
 * From what was typed to values of known kinds. Everything that is wrong is exit code 2 and one line that names what was found
 * and what would have been right.
 */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { misused } from '../failure.ts'
import type { Target } from '../runtime/runtime.ts'
import { STAGE_NAMES, namesIn, topologyOf, type StageName } from '../topology.ts'
import type { Given } from './command.ts'
import { closest } from './closest.ts'

/** Strict: an unknown option, a missing value or a superfluous operand is an error. */
export function parseArguments(verb: string, args: readonly string[], options: ParseArgsOptionsConfig, operandsMax: number): Given {
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw misused(explain(verb, error as Error, args, Object.keys(options)))
  }
  if (parsed.positionals.length > operandsMax) {
    throw misused(
      `Failed to read \`${verb}\`: found ${parsed.positionals[operandsMax]!}, which is one operand too many. See \`npm run lab -- ${verb} --help\`.`,
    )
  }
  return { operands: parsed.positionals, values: parsed.values }
}

function explain(verb: string, error: Error, args: readonly string[], names: readonly string[]): string {
  const unknown = /^Unknown option '(.+?)'/.exec(error.message)?.[1]
  if (unknown === undefined) return `Failed to read \`${verb}\`: ${error.message.split('. ')[0]!}. See \`npm run lab -- ${verb} --help\`.`
  const typed = args.find((arg) => arg.startsWith(unknown)) ?? unknown
  const near = closest(unknown.replace(/^-+/, ''), names)
  const options = names.map((name) => `--${name}`).join(', ')
  return `Failed to read \`${verb}\`: unknown option ${typed}${near ? `, did you mean --${near}?` : ''}\nIts options are ${options}.`
}

/** One of a list of words. */
export function oneOf<T extends string>(what: string, text: string, words: readonly T[]): T {
  if ((words as readonly string[]).includes(text)) return text as T
  const near = closest(text, words)
  throw misused(`Failed to read ${what}: found "${text}"${near ? `, did you mean ${near}?` : ''}\nIt is one of ${words.join(', ')}.`)
}

export function integerWithin(what: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^-?\d+$/.test(text) && value >= min && value <= max) return value
  throw misused(`Failed to read ${what}: found "${text}", expected a whole number from ${min} to ${max}.`)
}

export function numberWithin(what: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d*\.?\d+$/.test(text) && value >= min && value <= max) return value
  throw misused(`Failed to read ${what}: found "${text}", expected a number from ${min} to ${max}.`)
}

/** A stage that can run today. */
export function parseStage(text: string): StageName {
  return oneOf('the stage', text, STAGE_NAMES)
}

/** `stage1`, `stage2`; `both` or nothing for both. */
export function parseStages(text: string | undefined): readonly StageName[] {
  if (text === undefined || text === 'both') return STAGE_NAMES
  return [parseStage(oneOf('the stage', text, [...STAGE_NAMES, 'both']) as StageName)]
}

/** `stage1/db2` or `stage2/db1/postgres`. */
export function parseTarget(verb: string, text: string | undefined): Target {
  const example = `for example \`npm run lab -- ${verb} stage1/db2\``
  if (text === undefined) throw misused(`Failed to read \`${verb}\`: it needs STAGE/NAME, ${example}.`)
  const [stageText, instance, process, ...more] = text.split('/')
  if (!stageText || !instance || more.length > 0) {
    throw misused(`Failed to read \`${verb}\`: found "${text}", expected STAGE/NAME, ${example}.`)
  }
  const stage = parseStage(stageText)
  oneOf(`the instance of ${stage}`, instance, namesIn(topologyOf(stage)))
  return { stage, instance, process }
}
