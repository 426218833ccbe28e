/**
 * Keeps one PostgreSQL server: prepares it, runs it, and rebuilds a standby that can no longer follow.
 *
 *   prepareServer ─▶ postgres in the foreground ─▶ ready ─▶ (primary) schema, durability
 *         ▲                                          └────▶ (standby) slot lost, or no part of the primary's? ─▶ stop ─┐
 *         └──────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * The keeper is the server's parent and dies with it: what supervises us sees one process that stands for the server,
 * and a crash of the server is its end too. A keeper that fails (a schema of a newer release, say) ends its server first, or
 * nobody would hold that one any more. It starts nothing again by itself; people kill servers here to see what happens.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Durability } from '@relais/shared/store/store.ts'
import { primaryOf, type ClusterNode, type OnProgress } from './cluster.ts'
import { loginAs } from './login.ts'
import { openPrimary } from './prepare-cluster.ts'
import { prepareServer } from './prepare-server.ts'
import { noteRebuild } from './rebuild-note.ts'
import type { AskLater, RebuildReason } from './standby.ts'
import { postmasterPid } from './server-processes.ts'
import { endServer, ready, signalServer, startServer, type StartedServer } from './server.ts'

export interface KeepOptions {
  readonly node: ClusterNode
  readonly durability: Durability
  readonly onProgress: OnProgress
  /** What the server writes to its log. */
  readonly onLine: (text: string) => void
  /** Ends the server in an orderly way. */
  readonly signal: AbortSignal
}

const LOOK_INTERVAL_MS = 1_000
/** While the primary was never asked: a standby that cannot follow is not to stream from it for long. */
const ASK_INTERVAL_MS = 200

/** Resolves after an orderly end; rejects when the server could not be prepared or opened, or ended by itself. Either way it is gone. */
export async function keepServer(options: KeepOptions): Promise<void> {
  const { node, signal } = options
  await endForgotten(node, options.onProgress)
  while (!signal.aborted) {
    let askLater: AskLater | undefined
    try {
      askLater = await prepareServer(node, options.onProgress, signal)
    } catch (error) {
      // What was being made is what we were asked to end.
      if (!signal.aborted) throw error
    }
    // That may have taken a while. From here on `run` hears of it.
    if (signal.aborted) return
    const server = startServer(node, { onLine: options.onLine })
    let reason: 'asked' | 'lost' | RebuildReason | undefined
    try {
      reason = await run(server, options, askLater)
      // Before it ends: the primary goes on meanwhile, and what was ahead of it now may no longer seem to be.
      if (typeof reason === 'object' && reason.isParted) noteRebuild(node, reason.why)
    } finally {
      // What it holds will be replaced, and it may be frozen: nothing is gained by asking it to end.
      if (reason !== undefined && reason !== 'asked') signalServer(node, 'SIGKILL')
      await server.stop()
      await endServer(node)
    }
    if (reason === 'lost') options.onProgress(`${node.name}: its slot was lost or is missing; it is copied anew`)
  }
}

/** A keeper that was killed alone has left its server running; nobody holds that one any more. */
async function endForgotten(node: ClusterNode, onProgress: OnProgress): Promise<void> {
  if (postmasterPid(node) === undefined) return
  onProgress(`${node.name}: ending a server that an earlier keeper left`)
  signalServer(node, 'SIGINT')
  for (let attempt = 0; postmasterPid(node) !== undefined && attempt < 200; attempt++) await sleep(25)
}

/** Runs the server until it shall end ('asked'), or must be made again. */
async function run(server: StartedServer, options: KeepOptions, askLater?: AskLater): Promise<'asked' | 'lost' | RebuildReason> {
  const { node, signal } = options
  const ended = new Promise<never>((_, reject) => {
    server.process.once('exit', (code, by) => reject(new Error(`PostgreSQL ${node.name} ended with ${by ?? `exit code ${code}`}`)))
  })
  // Somebody always looks at it first; a later rejection is the end that we asked for.
  ended.catch(() => {})
  const asked = new Promise<'asked'>((resolve) => signal.addEventListener('abort', () => resolve('asked'), { once: true }))
  const work = node.role === 'primary' ? openWhenReady(options) : untilItCannotFollow(options, askLater)
  return Promise.race([ended, asked, work])
}

async function openWhenReady({ node, durability, onProgress, signal }: KeepOptions): Promise<never> {
  await ready(node, { timeoutMs: 120_000, signal })
  await openPrimary(node.cluster, durability, onProgress)
  return new Promise<never>(() => {})
}

/** What could not be asked before the start comes first, until it has had its answer. */
async function untilItCannotFollow({ node, signal }: KeepOptions, askLater?: AskLater): Promise<'lost' | 'asked' | RebuildReason> {
  let ask = askLater
  while (!signal.aborted) {
    await sleep(ask ? ASK_INTERVAL_MS : LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    try {
      const reason = await ask?.()
      if (reason) return reason
      ask = undefined
      if (await isSlotLost(node)) return 'lost'
    } catch {
      // The primary does not answer now.
    }
  }
  return 'asked'
}

function isSlotLost(standby: ClusterNode): Promise<boolean> {
  return loginAs(
    primaryOf(standby.cluster),
    'monitor',
    async (sql) => {
      // Missing is lost: a primary that was away when this server started may be a copy that has no slots.
      const rows = await sql`SELECT 1 FROM pg_replication_slots WHERE slot_name = ${standby.name} AND wal_status <> 'lost'`
      return rows.length === 0
    },
    { timeoutMs: 2_000 },
  )
}
