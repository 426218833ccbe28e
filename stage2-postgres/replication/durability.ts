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
/** For whoever bounds the whole change: longer than the 10 s until sessions know, and a checkpoint. */
export const DURABILITY_MS_MAX = 60_000

/** One statement, outside a transaction, as the administrator; resolves to the first column of its first row, as text. */
type Ask = (statement: string) => Promise<string>

/** `setDurabilityBy` over one connection. `sql` must be the administrator's: ALTER SYSTEM cannot be granted before PostgreSQL 15. */
export function setDurability(sql: Sql, durability: Durability, standbyNames: readonly string[]): Promise<void> {
  return setDurabilityBy(async (statement) => String((await sql.unsafe(statement).values())[0]?.[0] ?? ''), durability, standbyNames)
}

/**
 * Resolves when the next commit obeys `durability`; rejects when its sessions have not heard of it within 10 s. The checkpoint has no
 * bound here. Each statement may be in a session of its own.
 */
export async function setDurabilityBy(ask: Ask, durability: Durability, standbyNames: readonly string[]): Promise<void> {
  const names = synchronousStandbyNames(durability, standbyNames)
  const commit = synchronousCommit(durability)
  const isWritten = await ask(`
    SELECT ((SELECT reset_val FROM pg_settings WHERE name = 'synchronous_standby_names') = '${names}'
      AND (SELECT setting FROM pg_file_settings WHERE name = 'synchronous_commit' AND applied) = '${commit}')::text`)
  if (isWritten !== 'true') {
    await ask(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
    await ask(`ALTER SYSTEM SET synchronous_commit = '${commit}'`)
    await ask('SELECT pg_reload_conf()')
  }
  // What is written already may not be in force yet: whoever wrote it was perhaps cut off while it waited.
  await untilSessionsKnow(ask, names)
  // Whether anybody waits at all is a flag in shared memory that the checkpointer sets when it reloads, which it does before a checkpoint.
  await ask('CHECKPOINT')
}

/**
 * The postmaster tells all its children in one go: when this session has heard of it, or one that it began since, the others have. Only
 * the names are looked at: both settings come from the same file, and the administrator's session has a `synchronous_commit` of its own.
 */
async function untilSessionsKnow(ask: Ask, names: string): Promise<void> {
  const giveUpAtMs = performance.now() + IN_FORCE_MS_MAX
  for (;;) {
    const found = await ask('SHOW synchronous_standby_names')
    if (found === names) return
    if (performance.now() > giveUpAtMs) {
      throw new Error(
        `PostgreSQL did not take synchronous_standby_names = '${names}' within ${IN_FORCE_MS_MAX} ms: it still uses '${found}'.`,
      )
    }
    await sleep(LOOK_INTERVAL_MS)
  }
}

function synchronousCommit(durability: Durability): 'local' | 'on' {
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
  /** In lower case, because PostgreSQL compares without regard to it; "*" is any standby. */
  readonly names: readonly string[]
}

/** Whether a standby of this name can confirm a commit. */
export function canConfirm({ names }: SynchronousStandbys, name: string): boolean {
  return names.includes('*') || names.includes(name.toLowerCase())
}

/** What the server's settings mean, whoever made them. Forms that we do not write are read with care: all of them. */
export function readSynchronousStandbys(setting: string, commit = 'on'): SynchronousStandbys {
  // Nobody waits then, whoever is named; with `off` not even for this server's disk.
  if (commit === 'local' || commit === 'off') return { durability: 'async', needed: 0, names: [] }
  const match = /^(?:(ANY|FIRST)\s+)?(?:(\d+)\s*)?\(?(.*?)\)?$/i.exec(setting.trim())
  const names = (match?.[3] ?? '')
    .split(',')
    .map((name) =>
      name
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .toLowerCase(),
    )
    .filter(Boolean)
  if (names.length === 0) return { durability: 'async', needed: 0, names }
  const needed = match?.[2] === undefined ? 1 : Number(match[2])
  // How many "any" are it does not say, so it does not say that these are all.
  return { durability: needed >= names.length && !names.includes('*') ? 'all' : 'quorum', needed, names }
}
