/**
 * A primary's start: its list is empty, the replicas' may not be.
 *
 *   ask every replica ─▶ the most advanced one ─▶ its snapshot ─▶ new epoch above all known ones ─▶ take writes
 *
 * An empty primary that simply began would number its writes from 1 again and, being the primary, wipe the replicas that
 * hold the only copy. So it begins only after it has heard from them: from all of them, or after `PATIENCE_MS` from
 * enough of them. With `quorum` the one confirmation may sit on either replica, so
 * both must answer. With `all` each replica has every acknowledged write, unless it restarted and was not level since, so
 * one that was is enough. With `async` too: it promised less, but a replica that came back empty says nothing of what the silent one
 * holds, and beginning on its word would wipe that. Only a cluster that has no history yet begins without such a word.
 *
 * Of the list it took over it has no log. So a replica that lacks some of that is sent a snapshot, and is in the new epoch with all of it
 * or not at all: on the way there by batches, its position would order after all older epochs, of which much was missing.
 *
 * The epoch is also kept in a file: a replica that was not heard may know of an epoch that the others do not.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { comparePositions, formatPosition } from '@relais/shared/store/position.ts'
import type { Log as Logger } from '@relais/shared/observe/log.ts'
import type { Peer } from '@relais/shared/http/settings.ts'
import type { Durability } from '@relais/shared/store/store.ts'
import type { ReplicatedList } from '../store/replicated-list.ts'
import { holdings, REPLICATE_PATH, snapshotPartSchema, type Holdings } from './messages.ts'
import { mostAdvanced } from './most-advanced.ts'
import { callNode, NodeCallError } from './node-call.ts'
import type { Signer } from './signature.ts'
import { SnapshotAssembly } from './snapshot.ts'

export interface RecoverOptions {
  readonly list: ReplicatedList
  readonly replicas: readonly Peer[]
  readonly durability: Durability
  readonly dataDir: string
  readonly signer: Signer
  readonly log: Logger
  /** Told what is being waited for: the primary's port stays closed until it has its list, so the log is where to look. */
  readonly onWaiting: (reason: string) => void
  readonly patienceMs?: number
  readonly signal?: AbortSignal
}

const PATIENCE_MS = 5_000
const ASK_AGAIN_MS = 50
const CALL_DEADLINE_MS = 2_000

interface Heard {
  readonly replica: Peer
  readonly held: Holdings
}

/** Resolves when `list` holds what the replicas held, in a new epoch. */
export async function recover(options: RecoverOptions): Promise<void> {
  const { list, log } = options
  const heard = await hearReplicas(options)
  const most = mostAdvanced(heard, ({ held }) => held)
  const from = most && most.held.last.lsn > 0 ? await fetchFromOne(options, holdersOfTheSame(heard, most)) : null
  const epochs = heard.map(({ held }) => held.position.epoch)
  const epoch = Math.max(list.position.epoch, await readEpoch(options.dataDir), ...epochs) + 1
  await writeEpoch(options.dataDir, epoch)
  list.beginEpoch(epoch)
  log.info(
    { from, records: list.records.size, position: formatPosition(list.position) },
    from ? 'recovered the list from a replica' : 'began empty',
  )
}

/** Begins an epoch of its own without asking anybody, as the report's primary does. */
export async function beginWithoutAsking(list: ReplicatedList, dataDir: string): Promise<void> {
  const epoch = (await readEpoch(dataDir)) + 1
  await writeEpoch(dataDir, epoch)
  list.beginEpoch(epoch)
}

async function hearReplicas(options: RecoverOptions): Promise<Heard[]> {
  const { replicas, durability, dataDir, signer, log, onWaiting, patienceMs = PATIENCE_MS, signal } = options
  const startedAtMs = Date.now()
  const ownEpoch = await readEpoch(dataDir)
  for (;;) {
    const answers = await Promise.all(replicas.map((replica) => hear(replica, signer)))
    const heard = answers.filter((answer) => answer !== undefined)
    const silent = replicas.filter((replica) => !heard.some((one) => one.replica === replica)).map(({ name }) => name)
    if (silent.length === 0) return heard
    if (Date.now() - startedAtMs > patienceMs && isEnough(heard, durability, ownEpoch)) {
      log.warn({ silent }, 'began without hearing all replicas: what only they hold will be discarded')
      return heard
    }
    onWaiting(`an empty primary waits to hear what ${silent.join(' and ')} ${silent.length === 1 ? 'holds' : 'hold'}`)
    await sleep(ASK_AGAIN_MS, undefined, signal && { signal })
  }
}

/** Whether what a silent replica holds may be done without. */
function isEnough(heard: readonly Heard[], durability: Durability, ownEpoch: number): boolean {
  if (durability === 'quorum') return false
  if (heard.some(({ held }) => held.wasLevel)) return true
  return durability === 'async' && heard.length > 0 && ownEpoch === 0 && heard.every(({ held }) => held.position.epoch === 0)
}

async function hear(replica: Peer, signer: Signer): Promise<Heard | undefined> {
  try {
    const answer = await callNode(replica, signer, { method: 'GET', path: REPLICATE_PATH, deadlineMs: CALL_DEADLINE_MS })
    return answer.status === 200 ? { replica, held: holdings.parse(answer.body) } : undefined
  } catch (error) {
    if (error instanceof NodeCallError) return undefined
    throw error
  }
}

/** Whoever holds the same list will do. */
function holdersOfTheSame(heard: readonly Heard[], { held: { position, last } }: Heard): readonly Heard[] {
  const isSame = (other: Holdings): boolean => comparePositions(other.position, position) === 0 && comparePositions(other.last, last) === 0
  return heard.filter(({ held }) => isSame(held))
}

/** From the first of them that gives it; resolves to its name. */
async function fetchFromOne(options: RecoverOptions, holders: readonly Heard[]): Promise<string> {
  let failure: unknown
  for (const holder of holders) {
    try {
      await fetchSnapshot(options, holder)
      return holder.replica.name
    } catch (error) {
      if (!(error instanceof NodeCallError)) throw error
      failure = error
      options.log.warn({ err: error, replica: holder.replica.name }, 'the list could not be fetched from this replica')
    }
  }
  throw failure
}

async function fetchSnapshot({ list, signer, onWaiting }: RecoverOptions, { replica, held }: Heard): Promise<void> {
  const assembly = new SnapshotAssembly()
  for (let part = 0; ; part++) {
    onWaiting(`fetching the list from ${replica.name}, part ${part + 1}`)
    const path = `${REPLICATE_PATH}/snapshot?part=${part}`
    const answer = await callNode(replica, signer, { method: 'GET', path, deadlineMs: CALL_DEADLINE_MS })
    if (answer.status !== 200) throw new NodeCallError(`${replica.name} answered ${answer.status} to ${path}`)
    const whole = assembly.add(snapshotPartSchema.parse(answer.body))
    // Another list than the one it said it holds: it was restarted, and may be empty now.
    const isOther = typeof whole === 'object' && whole.lsn < held.last.lsn
    if (whole === 'unexpected' || isOther) throw new NodeCallError(`${replica.name} changed while its list was being fetched`)
    if (whole !== 'incomplete') {
      list.install(whole)
      return
    }
  }
}

/** 0 where there is no file yet. One that cannot be read may hold an epoch that must not come again: rejects. */
async function readEpoch(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, 'epoch'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return '0'
  })
  return /^\d{1,10}\s*$/.test(text) ? Number(text) : 0
}

async function writeEpoch(dataDir: string, epoch: number): Promise<void> {
  const file = join(dataDir, 'epoch')
  await writeFile(`${file}.new`, `${epoch}\n`, { flush: true })
  await rename(`${file}.new`, file)
}
