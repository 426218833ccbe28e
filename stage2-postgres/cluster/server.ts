/**
 * One PostgreSQL server as a process: how to start it, know that it serves, signal it, and clear up after it.
 *
 *   prepareServer (prepare-server.ts) ─▶ serverCommand, started by whoever supervises ─▶ ready ─▶ … ─▶ cleanServer
 *
 * The server runs in the foreground, so that its supervisor holds the process itself and not a shadow of it:
 * SIGINT is PostgreSQL's fast stop (sessions are ended, a checkpoint is made), SIGTERM waits for sessions to end.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { program, type ClusterNode } from './cluster.ts'
import { loginAs } from './login.ts'
import { programEnvironment } from './run-program.ts'
import { postmasterPid, serverPids, sharedMemory } from './server-processes.ts'
import { removeForsaken } from './shared-memory.ts'

interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment, not an addition. */
  readonly env: Record<string, string>
  /** Present when we are root. */
  readonly uid?: number
  readonly gid?: number
  readonly cwd: string
}

/** The server in the foreground, logging to standard error. `settings` are for a start that differs from the files. */
function serverCommand({ cluster, dataDir }: ClusterNode, settings: Record<string, string> = {}): ServerCommand {
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return {
    command: program(cluster, 'postgres'),
    args: ['-D', dataDir, ...options],
    env: programEnvironment(),
    cwd: '/',
    ...cluster.user,
  }
}

/** Waits until the server answers a query, `timeoutMs` at most. A standby answers once its state is consistent. */
export async function ready(
  node: ClusterNode,
  { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const endMs = Date.now() + timeoutMs
  for (;;) {
    try {
      return await loginAs(node, 'monitor', async (sql) => void (await sql`SELECT 1`), { timeoutMs: Math.min(timeoutMs, 2_000) })
    } catch (error) {
      signal?.throwIfAborted()
      if (Date.now() > endMs) {
        const found = error instanceof Error ? error.message : String(error)
        throw new Error(`Failed to reach PostgreSQL ${node.name} on port ${node.port} within ${timeoutMs} ms: ${found}`, { cause: error })
      }
      await sleep(25)
    }
  }
}

/** SIGKILL is a crash of the whole server, SIGSTOP freezes and SIGCONT resumes all of it, anything else goes to the postmaster. */
export function signalServer(node: ClusterNode, signal: NodeJS.Signals): void {
  const postmaster = postmasterPid(node)
  if (signal === 'SIGCONT') return sendAll(serverPids(node).toReversed(), 'SIGCONT')
  if (signal === 'SIGSTOP' || signal === 'SIGKILL') {
    // A frozen postmaster starts no new children while we look for them.
    if (postmaster !== undefined) send(postmaster, 'SIGSTOP')
    return sendAll(serverPids(node).toReversed(), signal)
  }
  if (postmaster !== undefined) send(postmaster, signal)
}

/**
 * Waits until nothing of a server runs any more, and clears up after it. Children of a killed postmaster end by themselves, in moments,
 * and the signal that killed them takes a moment as well; one that cannot end (frozen, say) is killed. Rejects after 10 s.
 */
export async function endServer(node: ClusterNode): Promise<void> {
  for (let attempt = 1; serverPids(node).length > 0; attempt++) {
    if (attempt > 400) throw new Error(`Failed to end the processes that PostgreSQL ${node.name} left: ${serverPids(node).join(', ')}.`)
    if (attempt > 20) signalServer(node, 'SIGKILL')
    await sleep(25)
  }
  await cleanServer(node)
}

/** Removes what a killed server leaves: its pid file, its sockets, its segment of shared memory. Only when nothing runs. */
export async function cleanServer(node: ClusterNode): Promise<void> {
  if (serverPids(node).length > 0) throw new Error(`PostgreSQL ${node.name} is still running; its files cannot be cleaned up yet.`)
  const segment = sharedMemory(node)
  if (segment !== undefined) await removeForsaken(segment)
  rmSync(join(node.dataDir, 'postmaster.pid'), { force: true })
  for (const end of ['', '.lock']) rmSync(join(node.cluster.socketDir, `.s.PGSQL.${node.port}${end}`), { force: true })
}

export interface StartedServer {
  readonly process: ChildProcess
  /** The fast stop; resolves when the process is gone. */
  stop(): Promise<void>
}

/** Starts a server that belongs to this process: while a cluster is made, and in tests. */
export function startServer(
  node: ClusterNode,
  options: { settings?: Record<string, string>; onLine?: (text: string) => void } = {},
): StartedServer {
  const { command, args, ...spawnOptions } = serverCommand(node, options.settings)
  const child = spawn(command, args, { ...spawnOptions, stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.on('data', (chunk: Buffer) => options.onLine?.(chunk.toString()))
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    process: child,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
      await gone
    },
  }
}

function sendAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) send(pid, signal)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It ended by itself in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
