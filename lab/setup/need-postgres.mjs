/** PostgreSQL's server programs, or an end that says how to get them. */
import { findPostgresPrograms } from './postgres-programs.mjs'
import { stopWith } from './stop-with.mjs'
import { installPackage } from './system-packages.mjs'

const NAMES = {
  'apt-get': 'postgresql',
  dnf: 'postgresql-server',
  apk: 'postgresql',
  pacman: 'postgresql',
  zypper: 'postgresql-server',
  brew: 'postgresql@17',
}

export async function needPostgres() {
  if (findPostgresPrograms()) return
  if (process.env.PG_BINDIR)
    stopWith(
      `Failed to find PostgreSQL: PG_BINDIR is ${process.env.PG_BINDIR}, expected postgres, initdb, pg_basebackup, pg_controldata and psql there.`,
    )
  const remedy = await installPackage('PostgreSQL', NAMES)
  if (!findPostgresPrograms()) {
    stopWith(
      'Failed to find PostgreSQL 14 to 18: no initdb in PATH, PG_BINDIR or the usual places, and it could not be installed.',
      remedy ?? 'Install PostgreSQL, then run the same command again.',
    )
  }
}
