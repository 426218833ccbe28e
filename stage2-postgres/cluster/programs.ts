/**
 * Where PostgreSQL's programs are, and which major version they belong to.
 *
 * `which postgres` is not enough: Debian keeps the servers of several versions side by side and none of them in PATH,
 * Homebrew does the same with kegs, and a `pg_config` may belong to the client library alone. So a directory counts
 * only when it holds every program that we need, and says a version that we support.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

const MAJOR_MIN = 14
const MAJOR_MAX = 18
const NEEDED = ['postgres', 'initdb', 'pg_basebackup', 'pg_controldata', 'psql'] as const

export interface Programs {
  readonly bindir: string
  /** 14 to 18. */
  readonly major: number
}

/** What a person can do about it is in the message; nothing else went wrong. */
export class MissingPostgres extends Error {
  override readonly name = 'MissingPostgres'
}

/**
 * The newest supported installation, or the one in `PG_BINDIR`; `major` asks for one version (that of existing data), and `known` is a
 * directory that held it before and may be where nobody looks.
 * Rejects with `MissingPostgres`.
 */
export async function locatePrograms({
  major,
  known = '',
  env = process.env,
}: { major?: number; known?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Programs> {
  // Servers are started from another directory than this shell's.
  const asked = env['PG_BINDIR'] && resolve(env['PG_BINDIR'])
  const found: Programs[] = []
  for (const bindir of new Set(asked ? [asked] : [known, ...(await candidates(env))].filter(Boolean))) {
    const version = hasAll(bindir) ? await majorOf(bindir) : undefined
    if (version !== undefined && version >= MAJOR_MIN && version <= MAJOR_MAX) found.push({ bindir, major: version })
  }
  found.sort((a, b) => b.major - a.major)
  const chosen = major === undefined ? found[0] : found.find((programs) => programs.major === major)
  if (chosen) return chosen
  throw new MissingPostgres(explain(asked, major, found))
}

function explain(asked: string | undefined, major: number | undefined, found: readonly Programs[]): string {
  const expected = major === undefined ? `PostgreSQL ${MAJOR_MIN} to ${MAJOR_MAX}` : `PostgreSQL ${major}, which made the existing data`
  if (asked) return `Failed to find ${expected}: PG_BINDIR=${asked} does not hold its ${NEEDED.join(', ')}.`
  const others = found.map((programs) => `${programs.major} in ${programs.bindir}`).join(', ')
  return `Failed to find ${expected}: found ${others || 'none'}. Install it (Debian: apt-get install postgresql; macOS: brew install postgresql@17), or set PG_BINDIR.`
}

async function candidates(env: NodeJS.ProcessEnv): Promise<string[]> {
  const configured = await execute('pg_config', ['--bindir'], { timeout: 5_000 }).then(
    ({ stdout }) => [stdout.trim()],
    () => [],
  )
  return [
    ...configured,
    ...versioned('/usr/lib/postgresql', ''),
    ...versioned('/usr', 'pgsql-'),
    ...versioned('/opt/homebrew/opt', 'postgresql@'),
    ...versioned('/usr/local/opt', 'postgresql@'),
    ...versioned('/Applications/Postgres.app/Contents/Versions', ''),
    ...(env['PATH'] ?? '').split(delimiter).filter(Boolean),
  ]
}

function versioned(parent: string, prefix: string): string[] {
  try {
    return readdirSync(parent)
      .filter((entry) => entry.startsWith(prefix) && /^\d+$/.test(entry.slice(prefix.length)))
      .map((entry) => join(parent, entry, 'bin'))
  } catch {
    return []
  }
}

function hasAll(bindir: string): boolean {
  return NEEDED.every((program) => {
    try {
      accessSync(join(bindir, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function majorOf(bindir: string): Promise<number | undefined> {
  try {
    const { stdout } = await execute(join(bindir, 'postgres'), ['--version'], { timeout: 5_000 })
    const match = /PostgreSQL\) (\d+)/.exec(stdout)
    return match ? Number(match[1]) : undefined
  } catch {
    return undefined
  }
}
