/**
 * The three durability words as PostgreSQL's own settings.
 *
 *   async    synchronous_standby_names = ''                     a commit waits for this server's disk
 *   quorum   synchronous_standby_names = 'ANY 1 ("db2", "db3")' … and for one standby's disk, whichever is first
 *   all      synchronous_standby_names = 'FIRST 2 (…)'          … and for every standby's disk
 *
 * Both settings can be changed while the server runs, and sessions that wait for a standby which is no longer asked for stop waiting.
 *
 * `pg_reload_conf()` returns when the postmaster has been told, and nobody else. A commit that comes at once, on a busy machine, is then
 * still acknowledged by the old rule (seen: a write under `quorum` with both standbys frozen). So we wait until the rule is in force.
 * Source: PostgreSQL documentation, "Synchronous Replication", and `synchronous_standby_names`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Durability } from '@relais/shared/store/store.ts'

const LOOK_INTERVAL_MS = 10
const IN_FORCE_MS_MAX = 10_000

/**
 * Resolves when the next commit obeys `durability`; rejects when that is not so within 10 s. `sql` must be the administrator's: ALTER
 * SYSTEM cannot be granted before PostgreSQL 15. One connection, and never inside a transaction.
 */
export async function setDurability(sql: Sql, durability: Durability, standbyNames: readonly string[]): Promise<void> {
  const names = synchronousStandbyNames(durability, standbyNames)
  const commit = synchronousCommit(durability)
  const rows = await sql<{ names: string; commit: string }[]>`
    SELECT (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_standby_names') AS names,
      (SELECT setting FROM pg_file_settings WHERE name = 'synchronous_commit' AND applied) AS commit`
  if (rows[0]?.names === names && rows[0].commit === commit) return
  await sql.unsafe(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
  await sql.unsafe(`ALTER SYSTEM SET synchronous_commit = '${commit}'`)
  await sql`SELECT pg_reload_conf()`
  await untilSessionsKnow(sql, names)
  // Whether anybody waits at all is a flag in shared memory that the checkpointer sets when it reloads, which it does before a checkpoint.
  await sql`CHECKPOINT`
}

/**
 * The postmaster tells all its children in one go: when this session has heard of it, the others have. Only the names are looked at:
 * both settings come from the same file, and the administrator's session has a `synchronous_commit` of its own.
 */
async function untilSessionsKnow(sql: Sql, names: string): Promise<void> {
  const giveUpAtMs = performance.now() + IN_FORCE_MS_MAX
  for (;;) {
    const [found] = await sql<{ names: string }[]>`SELECT current_setting('synchronous_standby_names') AS names`
    if (found?.names === names) return
    if (performance.now() > giveUpAtMs) {
      throw new Error(
        `PostgreSQL did not take synchronous_standby_names = '${names}' within ${IN_FORCE_MS_MAX} ms: it goes on with '${found?.names}'.`,
      )
    }
    await sleep(LOOK_INTERVAL_MS)
  }
}

export function synchronousCommit(durability: Durability): 'local' | 'on' {
  return durability === 'async' ? 'local' : 'on'
}

export function synchronousStandbyNames(durability: Durability, standbyNames: readonly string[]): string {
  if (durability === 'async' || standbyNames.length === 0) return ''
  const list = standbyNames.map((name) => `"${name}"`).join(', ')
  return durability === 'quorum' ? `ANY 1 (${list})` : `FIRST ${standbyNames.length} (${list})`
}

export interface SynchronousStandbys {
  readonly durability: Durability
  /** How many standbys must confirm a commit. */
  readonly needed: number
  readonly names: readonly string[]
}

/** What the server's setting means, whoever made it. Forms that we do not write are read with care: all of them. */
export function readSynchronousStandbys(setting: string): SynchronousStandbys {
  const match = /^(?:(ANY|FIRST)\s+)?(?:(\d+)\s*)?\(?(.*?)\)?$/i.exec(setting.trim())
  const names = (match?.[3] ?? '')
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
    .filter(Boolean)
  if (names.length === 0) return { durability: 'async', needed: 0, names }
  const needed = match?.[2] === undefined ? 1 : Number(match[2])
  return { durability: needed >= names.length ? 'all' : 'quorum', needed, names }
}
