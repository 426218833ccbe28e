/**
 * THE SEAM. What a database tier's service needs from whatever keeps its records.
 *
 * Stage 1 implements it with lists in memory, stage 2 with PostgreSQL; everything above (routes, backends,
 * frontends, Nginx) and everything beside (the contract suite, the benchmark, the lab) knows only this file.
 * `store.contract.ts` is the behaviour in executable form.
 *
 * Every answer carries the position of the history that it reflects, because a session token is only worth
 * something if no answer can leave without one.
 */
import type { Position } from './position.ts'

/** Milliseconds since the Unix epoch for both times; `origin` is the node that took the write, as "DB1". */
export interface StoredRecord {
  readonly id: number
  readonly message: string
  readonly origin: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What a read may take, all its steps together. Shorter than db-lb's second: the answer is ours, and leaves time to ask another node. */
export const READ_MS_MAX = 800

/** An answer and how far the history it reflects goes. */
export interface At<T> {
  readonly value: T
  readonly position: Position
}

export interface Page {
  /** Newest first: ids strictly descending. */
  readonly records: readonly StoredRecord[]
  /** Pass as `before` to go on; `null` when there is nothing older. */
  readonly next: number | null
}

export interface PageQuery {
  /** 1 to 1000. */
  readonly limit: number
  /** Only records with a smaller id. */
  readonly before?: number | undefined
}

export interface WriteOptions {
  /** The same key has one effect and the same answer; another write under it is `idempotency-key-reused`. */
  readonly idempotencyKey?: string | undefined
  /** Milliseconds since the Unix epoch (`Date.now()`): the write has its answer by then, whatever it is. */
  readonly deadlineMs: number
}

export type Role = 'primary' | 'replica'

/** How many nodes hold a write before it is acknowledged: the primary, most of them, all. */
export const DURABILITIES = ['async', 'quorum', 'all'] as const
export type Durability = (typeof DURABILITIES)[number]

/** How stage 1 replicates; in stage 2 PostgreSQL does. */
export const MECHANISMS = ['log', 'fan-out'] as const
export type Mechanism = (typeof MECHANISMS)[number]

export interface ReplicaStatus {
  readonly name: string
  readonly state: 'streaming' | 'catching-up' | 'unreachable' | 'lost'
  /** The position that the replica acknowledged, in the store's own form; `null` before the first contact. */
  readonly position: string | null
  readonly lagRecords: number | null
  readonly lagBytes: number | null
  readonly lagMs: number | null
}

/** The body of `GET /api/replication`. */
export interface ReplicationStatus {
  readonly name: string
  readonly role: Role
  /** "log" or "fan-out" in stage 1, "streaming" in stage 2. */
  readonly mechanism: string
  readonly durability: Durability
  readonly position: string
  /** A replica's own link to the primary; `null` on the primary. */
  readonly upstream: ReplicaStatus | null
  /** On the primary, one entry for each configured replica. */
  readonly replicas: readonly ReplicaStatus[]
  /** Anything that a stage adds (epochs, slots, counters); values are JSON. */
  readonly details?: Record<string, unknown>
}

/**
 * All methods reject with a `Problem` (shared/http/problem.ts) for what a client may be told, for example
 * `not-primary`, `not-found`, `replication-timeout`; anything else that they throw is a defect.
 *
 * `deadlineMs` is a point in time as in `WriteOptions`: several steps of one request pass on the same. Where none is given, a read
 * has `READ_MS_MAX`.
 */
export interface Store {
  readonly role: Role
  /** What of `GET /readyz` this store decides: `undefined` when it can serve, otherwise the reason in a few words. */
  notReadyBecause(): string | undefined | Promise<string | undefined>

  insert(message: string, options: WriteOptions): Promise<At<StoredRecord>>
  /** Rejects with `not-found` when there is no such record. */
  replace(id: number, message: string, options: WriteOptions): Promise<At<StoredRecord>>
  /** Rejects with `not-found` when there is no such record. */
  remove(id: number, options: WriteOptions): Promise<At<undefined>>

  get(id: number, deadlineMs?: number): Promise<At<StoredRecord | undefined>>
  page(query: PageQuery, deadlineMs?: number): Promise<At<Page>>

  /** The history this node can show now. */
  position(deadlineMs?: number): Promise<Position>
  formatPosition(position: Position): string
  /** Waits, `timeoutMs` at most, until this node's history includes `position`; true when it does. */
  reach(position: Position, timeoutMs: number): Promise<boolean>
  replication(): Promise<ReplicationStatus>
  close(): Promise<void>
}
