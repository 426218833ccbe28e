/**
 * Makes a standby, and decides when one must be made again.
 *
 *   old data kept, or removed ─▶ slot (the primary keeps the WAL from here) ─▶ base-backup.sh ─▶ configure ─▶ complete
 *
 * A standby catches up from its slot after any absence, until the primary has dropped WAL that it still needed
 * (max_slot_wal_keep_size). From then on it would ask for that WAL for ever; only a new copy helps. The same holds
 * for one whose history is no longer a part of the primary's.
 *
 * (!) That one may hold what nobody else does: after the loss of a primary's disk, whatever stands in its place. So old data
 * is removed only when the primary was just asked, and certainly has all of it; otherwise it is kept beside the new copy.
 */
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Sql } from 'postgres'
import { parseLsn } from '../store/wal-position.ts'
import { primaryOf, program, type ClusterNode, type OnProgress } from './cluster.ts'
import { isComplete, markComplete, mayHoldData, removeData } from './completeness.ts'
import { configure } from './configuration.ts'
import { keepData } from './kept-data.ts'
import { loginAs, type LoginOptions } from './login.ts'
import { writePasswordFile } from './password-file.ts'
import { forgetRebuild, notedRebuild } from './rebuild-note.ts'
import { runProgram } from './run-program.ts'

export interface StandbySource {
  /** Reach the primary by its socket: while the cluster is being made it listens on nothing else. */
  readonly bySocket?: boolean
  /** Ends the copy. It has no deadline: how long it takes is for the data to say. */
  readonly signal?: AbortSignal | undefined
}

/** Makes the standby from the running primary; data that it had is removed, or kept. Its server must not run. */
export async function createStandby(
  standby: ClusterNode,
  onProgress: OnProgress,
  { bySocket = false, signal }: StandbySource = {},
): Promise<void> {
  const { cluster, directory, dataDir, name } = standby
  const primary = primaryOf(cluster)
  const state = await askPrimary(standby, { bySocket, timeoutMs: 10_000 })
  // Whatever the primary says now: it moves on while others copy it.
  const isParted = notedRebuild(standby) !== undefined
  if (mayHoldData(standby) && (!hasAllOf(await readControlData(standby), state) || isParted)) await keepData(standby, onProgress)
  else await removeData(standby)
  forgetRebuild(standby)
  onProgress(`${name}: copying ${primary.name} (pg_basebackup)`)
  await loginAs(primary, 'admin', (sql) => renewSlot(sql, name), { bySocket, timeoutMs: 10_000 })
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (cluster.user) chownSync(directory, cluster.user.uid, cluster.user.gid)
  await runProgram('/bin/sh', ['-s'], {
    script: fileURLToPath(new URL('base-backup.sh', import.meta.url)),
    user: cluster.user,
    env: {
      PATH: `${cluster.programs.bindir}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
      PRIMARY_HOST: bySocket ? cluster.socketDir : cluster.host,
      PRIMARY_PORT: String(primary.port),
      STANDBY_NAME: name,
      PGPASSFILE: writePasswordFile(standby),
      DATA_DIR: dataDir,
    },
    timeoutMs: Infinity,
    signal,
  })
  configure(standby)
  markComplete(standby)
}

async function renewSlot(sql: Sql, name: string): Promise<void> {
  // A walsender that has not noticed yet that its standby is gone holds the slot.
  await sql`SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = ${name} AND active`
  for (let attempt = 1; ; attempt++) {
    try {
      await sql`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ${name}`
      break
    } catch (error) {
      if (attempt === 20) throw error
      await sql`SELECT pg_sleep(0.1)`
    }
  }
  await sql`SELECT pg_create_physical_replication_slot(${name}, true)`
}

export interface RebuildReason {
  /** "it was promoted …" */
  readonly why: string
  /** Its history is no longer a part of the primary's, so what it had is kept. */
  readonly isParted: boolean
}

/** Asks the primary about the standby as it was before its start. Rejects when the primary does not answer. */
export type AskLater = () => Promise<RebuildReason | undefined>

/**
 * Why this standby can no longer follow its primary; `undefined` when it can. When the primary cannot be asked the standby may start, because
 * it can serve reads, and what is returned is the question: to be asked once, as soon as there is an answer.
 *
 * What the control file says is read before the start: a promotion after it is a person's, and nothing is done to that server.
 */
export async function rebuildReason(standby: ClusterNode, signal?: AbortSignal): Promise<RebuildReason | AskLater | undefined> {
  const noted = notedRebuild(standby)
  if (noted !== undefined) {
    // It is not started as it is, so there is nothing to be without the primary.
    await askStartingPrimary(standby, { signal, awayMsMax: STARTING_MS_MAX, startingMsMax: RECOVERING_MS_MAX })
    return { why: noted, isParted: true }
  }
  if (!isComplete(standby)) return { why: 'it was not made to its end', isParted: false }
  const own = await readControlData(standby)
  const primary = await askStartingPrimary(standby, { signal })
  if (primary) return reasonOf(standby, own, primary)
  return async () => reasonOf(standby, own, await askPrimary(standby, { timeoutMs: ASK_MS_MAX }))
}

function reasonOf(standby: ClusterNode, own: ControlData, primary: PrimaryState): RebuildReason | undefined {
  const parted = divergence(own, primary)
  if (parted !== undefined) return { why: parted, isParted: true }
  if (!primary.hasSlot) return { why: `its slot "${standby.name}" is missing on ${primary.name}`, isParted: false }
  if (!primary.isSlotLost) return undefined
  return { why: `its slot "${standby.name}" was lost: it was away for more WAL than max_slot_wal_keep_size`, isParted: false }
}

const ASK_MS_MAX = 2_000
/** All servers of an `up` begin at once: the primary is a moment from listening. One that is really away must not cost its standbys more. */
const AWAY_MS_MAX = 2_000
/** It listens, and says that it is starting up: after a crash that takes a while. */
const STARTING_MS_MAX = 10_000
/** For whoever cannot do anything without it: as long as its own start may take. */
const RECOVERING_MS_MAX = 120_000
const ASK_AGAIN_MS = 50
const CANNOT_CONNECT_NOW = '57P03'

/** `undefined` when it does not answer in time, or we are asked to end. */
async function askStartingPrimary(
  standby: ClusterNode,
  {
    signal,
    awayMsMax = AWAY_MS_MAX,
    startingMsMax = STARTING_MS_MAX,
  }: { signal?: AbortSignal | undefined; awayMsMax?: number; startingMsMax?: number },
): Promise<PrimaryState | undefined> {
  const beganAtMs = performance.now()
  for (;;) {
    try {
      return await askPrimary(standby, { timeoutMs: ASK_MS_MAX })
    } catch (error) {
      const isStarting = (error as { code?: string }).code === CANNOT_CONNECT_NOW
      if (signal?.aborted || performance.now() - beganAtMs > (isStarting ? startingMsMax : awayMsMax)) return undefined
    }
    await sleep(ASK_AGAIN_MS, undefined, { signal }).catch(() => {})
  }
}

interface PrimaryState {
  readonly name: string
  readonly systemIdentifier: string
  readonly timeline: number
  readonly lsn: number
  readonly hasSlot: boolean
  readonly isSlotLost: boolean
}

async function askPrimary(standby: ClusterNode, options: LoginOptions): Promise<PrimaryState> {
  const primary = primaryOf(standby.cluster)
  const rows = await loginAs(
    primary,
    'monitor',
    (sql) => sql<PrimaryRow[]>`
      SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
        left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
        pg_current_wal_flush_lsn()::text AS lsn,
        (SELECT coalesce(wal_status, 'lost') FROM pg_replication_slots WHERE slot_name = ${standby.name}) AS slot`,
    options,
  )
  const row = rows[0]!
  return {
    name: primary.name,
    systemIdentifier: row.system,
    timeline: Number.parseInt(row.timeline, 16),
    lsn: parseLsn(row.lsn),
    hasSlot: row.slot !== null,
    isSlotLost: row.slot === 'lost',
  }
}

interface PrimaryRow {
  readonly system: string
  readonly timeline: string
  readonly lsn: string
  readonly slot: string | null
}

interface ControlData {
  readonly systemIdentifier: string
  readonly hasSignal: boolean
  readonly timeline: number
  /** As far as this standby certainly has replayed. */
  readonly lsn: number
}

/** Rejects when a value is missing: what cannot be read must not pass for another cluster's, or for older than it is. */
async function readControlData(standby: ClusterNode): Promise<ControlData> {
  const { cluster, dataDir } = standby
  const output = await runProgram(program(cluster, 'pg_controldata'), [dataDir], { user: cluster.user })
  const field = (name: string): string => {
    const line = output.split('\n').find((text) => text.startsWith(`${name}:`))
    const value = line?.slice(name.length + 1).trim()
    if (!value) throw new Error(`Failed to read the control file in ${dataDir}: found no "${name}"; its data stays as it is.`)
    return value
  }
  return {
    systemIdentifier: field('Database system identifier'),
    hasSignal: existsSync(join(dataDir, 'standby.signal')),
    timeline: Number(field("Latest checkpoint's TimeLineID")),
    lsn: Math.max(parseLsn(field('Latest checkpoint location')), parseLsn(field('Minimum recovery ending location'))),
  }
}

function divergence(standby: ControlData, primary: PrimaryState): string | undefined {
  if (standby.systemIdentifier !== primary.systemIdentifier) return `it belongs to another cluster than ${primary.name}`
  // A promotion removes it.
  if (!standby.hasSignal) return 'it was promoted and has a history of its own'
  if (standby.timeline > primary.timeline) return `it is on timeline ${standby.timeline}, ${primary.name} on ${primary.timeline}`
  if (standby.timeline === primary.timeline && standby.lsn > primary.lsn) return `it is ahead of ${primary.name}, which lost what it has`
  return undefined
}

/**
 * Whether the primary certainly has everything that the standby has. Not on an older timeline, which may go on beyond the fork. And not
 * without a slot: the primary may be an older copy of itself, and the standby may have received more than its control file says.
 */
function hasAllOf(standby: ControlData, primary: PrimaryState): boolean {
  return primary.hasSlot && standby.timeline === primary.timeline && divergence(standby, primary) === undefined
}
