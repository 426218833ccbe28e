/**
 * Brings a database's schema up to date: runs those migrations of schema.sql that it does not have, in order.
 *
 * Each runs in one transaction together with the note that it ran, so a crash in between leaves it undone, not half done.
 */
import { readFileSync } from 'node:fs'
import type { Sql } from 'postgres'
import type { ClusterNode } from './cluster.ts'
import { loginAs, type LoginOptions } from './login.ts'

interface Migration {
  readonly version: number
  readonly name: string
  readonly text: string
}

/** Runs as the tables' owner; resolves to the versions that were run, usually none. */
export function migrate(primary: ClusterNode, options: LoginOptions = {}): Promise<number[]> {
  return loginAs(primary, 'owner', (sql) => run(sql, readMigrations()), { timeoutMs: 60_000, ...options })
}

async function run(sql: Sql, migrations: readonly Migration[]): Promise<number[]> {
  await sql`CREATE SCHEMA IF NOT EXISTS relais`
  await sql`CREATE TABLE IF NOT EXISTS relais.migrations (version integer PRIMARY KEY, name text NOT NULL, run_at timestamptz NOT NULL DEFAULT now())`
  const done = new Set((await sql<{ version: number }[]>`SELECT version FROM relais.migrations`).map((row) => row.version))
  const newest = Math.max(0, ...done)
  const known = migrations.at(-1)?.version ?? 0
  if (newest > known)
    throw new Error(`Failed to migrate: the database has version ${newest}, this release knows ${known}; use a newer release, or --fresh.`)
  const pending = migrations.filter(({ version }) => !done.has(version))
  for (const { version, name, text } of pending) {
    const note = `INSERT INTO relais.migrations (version, name) VALUES (${version}, '${name.replaceAll("'", "''")}')`
    await sql.unsafe(`BEGIN; ${text}; ${note}; COMMIT`)
  }
  return pending.map(({ version }) => version)
}

/** The parts of schema.sql, by their heading `-- migration N: name`. */
function readMigrations(text = readFileSync(new URL('schema.sql', import.meta.url), 'utf8')): Migration[] {
  const parts = text.split(/^-- migration (\d+): (.+)$/m).slice(1)
  const migrations: Migration[] = []
  for (let part = 0; part < parts.length; part += 3) {
    migrations.push({ version: Number(parts[part]), name: parts[part + 1]!, text: parts[part + 2]! })
  }
  return migrations
}
