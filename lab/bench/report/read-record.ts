/**
 * From what was typed to a record: a run's directory, the word `latest`, or a bench.json itself.
 *
 * A record may come from another machine, another version or an interrupted copy, so everything that can be wrong with the file
 * is a failure that names the file and the first thing in it that is not as expected.
 */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { failed, misused } from '../../failure.ts'
import type { BenchRecord } from '../results/bench-record.ts'
import { recordSchema } from './record-schema.ts'

const RECORD_FILE = 'bench.json'
const FORMAT = 1
const RECORD_MIB_MAX = 256

/** `named` is a path, or the name of a run below `runsDirectory` (`latest` among them). */
export async function findRecordFile(named: string, runsDirectory: string): Promise<string> {
  const places = [named, path.join(runsDirectory, named)]
  for (const place of places) {
    const found = await stat(place).catch(() => null)
    if (found?.isFile()) return path.resolve(place)
    const inside = path.join(place, RECORD_FILE)
    if (found?.isDirectory() && (await stat(inside).catch(() => null))?.isFile()) return path.resolve(inside)
  }
  throw misused(
    `Failed to find the run "${named}": no ${RECORD_FILE} at ${places.join(' or ')}.\n` +
      `Expected a run's directory, its ${RECORD_FILE}, or \`latest\` after \`npm run lab -- bench\`.`,
  )
}

/** Reads and checks the file at `file`; an unreadable, damaged or foreign one is a {@link Failure} of two lines. */
export async function readRecord(file: string): Promise<BenchRecord> {
  return parseRecord(file, parseJson(file, await readText(file)))
}

async function readText(file: string): Promise<string> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw misused(`Failed to read ${file}: ${error.code ?? error.message}.\nExpected the ${RECORD_FILE} that a benchmark left.`)
  })
  if (size > RECORD_MIB_MAX * 1024 * 1024) {
    throw failed(`Failed to read ${file}: found ${Math.round(size / 1024 / 1024)} MiB, expected at most ${RECORD_MIB_MAX}.`)
  }
  return readFile(file, 'utf8')
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw failed(`Failed to read ${file}: found no complete JSON (${(error as Error).message}).\nIs it an incomplete copy?`)
  }
}

function parseRecord(file: string, value: unknown): BenchRecord {
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined
  if (format !== FORMAT) {
    const found = format === undefined ? 'no "format"' : `format ${JSON.stringify(format)}`
    throw failed(
      `Failed to read ${file}: found ${found}, expected format ${FORMAT}.\nIt is not the record of a benchmark, or it comes from another version.`,
    )
  }
  const parsed = recordSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const more = parsed.error.issues.length - 1
  const place = issue!.path.length === 0 ? 'the record' : issue!.path.join('.')
  throw failed(`Failed to read ${file}: at ${place}: ${issue!.message}${more > 0 ? `, and ${more} more` : ''}.\nThe record is damaged.`)
}
