/**
 * Where PostgreSQL's server programs are. Few systems have them in PATH: Debian keeps one directory a version, Homebrew one a formula.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { findProgram } from './find-program.mjs'

const MAJORS = [14, 18]

/** Directory of the programs that the cluster needs; `undefined` when there is none. `PG_BINDIR` goes first, then the newest version. */
export function findPostgresPrograms() {
  const chosen = process.env.PG_BINDIR
  if (chosen) return hasServer(chosen) ? path.resolve(chosen) : undefined
  const inPath = findProgram('initdb')
  const candidates = [...versionedDirectories(), fromPgConfig(), inPath && path.dirname(inPath)]
  return candidates.find((directory) => directory && hasServer(directory))
}

function versionedDirectories() {
  const patterns = [
    { parent: '/usr/lib/postgresql', directory: (name) => /^(\d+)$/.exec(name), bin: 'bin' },
    { parent: '/opt/homebrew/opt', directory: (name) => /^postgresql@(\d+)$/.exec(name), bin: 'bin' },
    { parent: '/usr/local/opt', directory: (name) => /^postgresql@(\d+)$/.exec(name), bin: 'bin' },
    { parent: '/usr', directory: (name) => /^pgsql-(\d+)$/.exec(name), bin: 'bin' },
    { parent: '/usr/libexec', directory: (name) => /^postgresql(\d+)$/.exec(name), bin: '.' },
  ]
  const found = patterns.flatMap(({ parent, directory, bin }) =>
    namesIn(parent).flatMap((name) => {
      const major = Number(directory(name)?.[1])
      return major >= MAJORS[0] && major <= MAJORS[1] ? [{ major, bin: path.join(parent, name, bin) }] : []
    }),
  )
  return found.sort((a, b) => b.major - a.major).map(({ bin }) => bin)
}

function fromPgConfig() {
  const program = findProgram('pg_config')
  if (!program) return undefined
  try {
    return execFileSync(program, ['--bindir'], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

function hasServer(directory) {
  return ['postgres', 'initdb', 'pg_basebackup', 'pg_controldata', 'psql'].every((name) => findProgramIn(directory, name))
}

function findProgramIn(directory, name) {
  return namesIn(directory).includes(name)
}

function namesIn(directory) {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
