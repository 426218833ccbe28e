/**
 * Stage 1's log protocol without network or clock: a primary and two replicas whose messages lie on a table until a test
 * delivers, repeats or loses them, in any order.
 *
 *   primary ─▶ [ envelope ][ envelope ][ reply ] … ─▶ replicas       any of them may crash, and restarts empty
 *
 * The replicas are real `ReplicaNode`s, the messages real bytes. Only the loop that sends is a model of `log-shipper.ts`:
 * one call in flight, whose answer is heard unless it was given up; but what it sent may still arrive, as it may with TCP.
 */
import { Problem } from '@relais/shared/http/problem.ts'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { comparePositions, type Position } from '@relais/shared/store/position.ts'
import { BatchCache } from '../replication/batch-cache.ts'
import { messageSchema, snapshotPartSchema, type BatchMessage, type SnapshotPart } from '../replication/messages.ts'
import { mostAdvanced } from '../replication/most-advanced.ts'
import { ReplicaNode } from '../replication/replica-node.ts'
import { cutSnapshot, SnapshotAssembly } from '../replication/snapshot.ts'
import type { LogEntry, Operation } from '../store/operation.ts'
import { ReplicatedList } from '../store/replicated-list.ts'
import { messageIn } from './message-in.ts'

/** So few that a replica soon needs a snapshot. */
const ENTRIES_KEPT = 4
/** So few that a replica is often on its way to the primary's position: it has taken a batch, and more are to come. */
const BATCH_ENTRIES_MAX = 2
const REPLICAS = 2

interface Reply {
  readonly accepted: boolean
  readonly reason?: string
  readonly last: Position
}

interface Envelope {
  readonly call: number
  readonly replica: number
  /** Of the replica it was sent to. */
  readonly life: number
  readonly body: string
  /** `undefined` on the way to the replica. */
  readonly reply?: Reply
}

interface Link {
  isReachable: boolean
  nextAfterLsn: number
  parts: SnapshotPart[]
  inFlight: { call: number; message: BatchMessage | SnapshotPart } | undefined
}

interface Primary {
  readonly list: ReplicatedList
  readonly batches: BatchCache
  readonly links: Link[]
}

export interface SimulatedClusterOptions {
  /** Whether a message may reach a process that began after it was sent, as no TCP connection lets it. Default true, the harder case. */
  readonly reachesNextLife?: boolean
}

export class SimulatedCluster {
  readonly #dataDir: string
  readonly #reachesNextLife: boolean
  primary: Primary | undefined
  readonly replicas: { node: ReplicaNode; life: number }[] = []
  envelopes: Envelope[] = []
  /** All that was ever sent, in order. */
  readonly #sent: Envelope[] = []
  /** Each epoch's whole history, entries before the epoch included. */
  readonly histories = new Map<number, LogEntry[]>([[0, []]])
  /** Who confirmed an entry, as "replica:life"; only entries that the current history has. */
  readonly confirmed = new Map<LogEntry, Set<string>>()
  #epochInFile = 0
  #calls = 0
  #clockMs = 0
  #life = 0

  constructor(dataDir: string, { reachesNextLife = true }: SimulatedClusterOptions = {}) {
    this.#dataDir = dataDir
    this.#reachesNextLife = reachesNextLife
    for (let replica = 0; replica < REPLICAS; replica++) this.replicas.push(this.#emptyReplica())
    this.recover([0, 1])
  }

  write(kind: Operation['type'], pick: number, key: string | undefined): void {
    if (!this.primary) return
    const { list } = this.primary
    const ids = list.records.toArray().map(({ id }) => id)
    const id = ids[pick % ids.length]
    const stamp = { atMs: ++this.#clockMs, ...(key !== undefined && !list.keys.get(key, this.#clockMs) && { key }) }
    const message = `message ${this.#clockMs}`
    const entry =
      kind === 'insert' || id === undefined
        ? list.commit({ type: 'insert', message, origin: 'DB1', ...stamp })
        : list.commit(kind === 'replace' ? { type: kind, message, ...stamp } : { type: kind, ...stamp }, id)
    this.histories.get(list.position.epoch)!.push(entry)
  }

  send(replica: number): void {
    const link = this.primary?.links[replica]
    if (!this.primary || !link || link.inFlight) return
    const { batches, list } = this.primary
    let message: BatchMessage | SnapshotPart | undefined
    if (!link.isReachable) message = messageIn(batches.probe())
    else if (link.parts.length === 0) {
      const batch = batches.after(link.nextAfterLsn)
      message = batch && messageIn(batch)
    }
    if (!message) {
      if (link.parts.length === 0) link.parts = cutSnapshot(list.snapshot())
      message = link.parts[0]!
    }
    link.inFlight = { call: ++this.#calls, message }
    const envelope = { call: this.#calls, replica, life: this.replicas[replica]!.life, body: JSON.stringify(message) }
    this.#sent.push(envelope)
    this.envelopes.push(envelope)
  }

  /** Up to `count` messages that followed each other to one replica arrive once more, however old; nobody hears the answers. */
  repeat(replica: number, pick: number, count: number): void {
    const sent = this.#sent.filter((envelope) => envelope.replica === replica && this.#arrives(envelope))
    const from = pick % Math.max(1, sent.length)
    for (const envelope of sent.slice(from, from + count)) this.#take(envelope)
  }

  /** A call that goes well: sent, taken, answered, heard. */
  exchange(replica: number): void {
    this.send(replica)
    const call = this.primary?.links[replica]?.inFlight?.call
    for (let hop = 0; hop < 2; hop++) {
      const index = this.envelopes.findIndex((envelope) => envelope.call === call)
      if (index >= 0) this.deliver(index, false)
    }
  }

  /** Hands over one envelope; with `isRepeated` it stays on the table too. */
  deliver(pick: number, isRepeated: boolean): void {
    if (this.envelopes.length === 0) return
    const index = pick % this.envelopes.length
    const envelope = this.envelopes[index]!
    if (!isRepeated) this.envelopes.splice(index, 1)
    if (envelope.reply) this.#hear(envelope, envelope.reply)
    else if (this.#arrives(envelope)) this.envelopes.push({ ...envelope, reply: this.#take(envelope) })
  }

  lose(pick: number): void {
    if (this.envelopes.length > 0) this.envelopes.splice(pick % this.envelopes.length, 1)
  }

  /** The primary's call has reached its deadline. */
  giveUpCall(replica: number): void {
    const link = this.primary?.links[replica]
    if (!link?.inFlight) return
    link.inFlight = undefined
    link.isReachable = false
    link.parts = []
  }

  crashReplica(replica: number): void {
    this.replicas[replica] = this.#emptyReplica()
    const link = this.primary?.links[replica]
    if (!link) return
    this.giveUpCall(replica)
  }

  crashPrimary(): void {
    this.primary = undefined
  }

  /** As `recover.ts` does: the most advanced of those that were heard, in an epoch above all known ones. */
  recover(heard: readonly number[]): void {
    if (this.primary) return
    const held = heard.map((replica) => ({ replica, ...this.replicas[replica]!.node.holdings() }))
    const most = mostAdvanced(held, (one) => one)!
    const list = new ReplicatedList(ENTRIES_KEPT)
    if (most.last.lsn > 0) fetchSnapshot(this.replicas[most.replica]!.node, list)
    const epoch = Math.max(list.position.epoch, this.#epochInFile, ...held.map(({ position }) => position.epoch)) + 1
    this.#epochInFile = epoch
    const history = this.historyOf(most.last)
    list.beginEpoch(epoch)
    this.histories.set(epoch, history)
    for (const entry of this.confirmed.keys()) {
      if (history[entry.lsn - 1] !== entry) this.confirmed.delete(entry)
    }
    const links = this.replicas.map((): Link => ({ isReachable: false, nextAfterLsn: 0, parts: [], inFlight: undefined }))
    this.primary = { list, batches: new BatchCache(list, BATCH_ENTRIES_MAX), links }
  }

  /** Everything that a node whose last entry is `last` must have seen. */
  historyOf(last: Position): LogEntry[] {
    return this.histories.get(last.epoch)!.slice(0, last.lsn)
  }

  /** Whether what `confirmed` says of an entry is still true: its holder has not been restarted. */
  isHeld(entry: LogEntry): boolean {
    const holders = this.confirmed.get(entry)
    return this.replicas.some(({ life }, replica) => holders?.has(`${replica}:${life}`))
  }

  /** Nothing is lost any more; returns whether all lists became equal within `roundsMax`. */
  settle(roundsMax = 40): boolean {
    this.recover([0, 1])
    for (let round = 0; round < roundsMax; round++) {
      while (this.envelopes.length > 0) this.deliver(0, false)
      if (this.#isLevel()) return true
      this.replicas.forEach((_, replica) => {
        this.giveUpIfLost(replica)
        this.send(replica)
      })
    }
    return false
  }

  /** Whether every replica has confirmed an entry, in whichever life. */
  isConfirmedByAll(entry: LogEntry): boolean {
    const holders = [...(this.confirmed.get(entry) ?? [])]
    return this.replicas.every((_, replica) => holders.some((holder) => holder.startsWith(`${replica}:`)))
  }

  giveUpIfLost(replica: number): void {
    const call = this.primary?.links[replica]?.inFlight?.call
    if (call !== undefined && !this.envelopes.some((envelope) => envelope.call === call)) this.giveUpCall(replica)
  }

  #isLevel(): boolean {
    const { position } = this.primary!.list
    return this.replicas.every(({ node }) => comparePositions(node.position, position) === 0 && node.notReadyBecause() === undefined)
  }

  #arrives({ replica, life }: Envelope): boolean {
    return this.#reachesNextLife || this.replicas[replica]!.life === life
  }

  #take({ replica, body }: Envelope): Reply {
    const { node } = this.replicas[replica]!
    try {
      return { accepted: true, last: node.take(messageSchema.parse(JSON.parse(body))) }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return { accepted: false, reason: error.members['reason'] as string, last: error.members['last'] as Position }
    }
  }

  #hear({ call, replica }: Envelope, { accepted, reason, last }: Reply): void {
    const link = this.primary?.links[replica]
    if (!this.primary || link?.inFlight?.call !== call) return
    const { message } = link.inFlight
    link.inFlight = undefined
    if (accepted) this.#accepted(link, replica, message)
    else this.#realign(link, reason!, last)
  }

  #accepted(link: Link, replica: number, message: BatchMessage | SnapshotPart): void {
    link.isReachable = true
    if (message.kind === 'snapshot') {
      link.parts.shift()
      if (!message.isLast) return
    }
    link.nextAfterLsn = message.kind === 'snapshot' ? message.lsn : message.previous.lsn + message.entries.length
    const { life } = this.replicas[replica]!
    for (const entry of this.histories.get(message.epoch)!.slice(0, link.nextAfterLsn)) {
      const holders = this.confirmed.get(entry) ?? new Set()
      this.confirmed.set(entry, holders.add(`${replica}:${life}`))
    }
  }

  #realign(link: Link, reason: string, last: Position): void {
    const { list } = this.primary!
    link.parts = []
    link.isReachable = reason !== 'stale-epoch'
    if (list.log.epochAt(last.lsn) === last.epoch) link.nextAfterLsn = last.lsn
    else link.parts = cutSnapshot(list.snapshot())
  }

  #emptyReplica(): { node: ReplicaNode; life: number } {
    const node = new ReplicaNode({ mechanism: 'log', primaryName: 'db1', dataDir: this.#dataDir, log: SILENT_LOG })
    return { node, life: ++this.#life }
  }
}

function fetchSnapshot(node: ReplicaNode, list: ReplicatedList): void {
  const assembly = new SnapshotAssembly()
  for (let part = 0; ; part++) {
    const whole = assembly.add(snapshotPartSchema.parse(JSON.parse(JSON.stringify(node.snapshotPart(part)))))
    if (whole === 'incomplete') continue
    if (whole === 'unexpected') throw new Error(`simulated cluster: part ${part} does not follow on`)
    list.install(whole)
    return
  }
}
