/**
 * Log shipping, the default mechanism: each replica is brought along the primary's log, one batch in flight.
 *
 *   list.commit ─▶ wake ─▶ [LogShipper db2] ── batch (previous, entries) ─▶ db2: 200, or 409 "my last entry is …"
 *                      └──▶ [LogShipper db3]                                     └─ acknowledged position
 *
 * One batch in flight makes order trivial and turns a slow replica into larger batches instead of a longer queue: what
 * waits is the log itself, which is kept anyway. Retries never end; they slow down to a cap, and each attempt looks at
 * the log anew.
 */
import type { Log as Logger } from '@relais/shared/observe/log.ts'
import type { Peer } from '@relais/shared/http/settings.ts'
import type { Durability, ReplicaStatus } from '@relais/shared/store/store.ts'
import { withinMs } from '@relais/shared/resilience/deadline.ts'
import type { LogEntry } from '../store/operation.ts'
import type { ReplicatedList } from '../store/replicated-list.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { BatchCache } from './batch-cache.ts'
import { LogShipper, type Linger } from './log-shipper.ts'
import type { Replication } from './replication.ts'
import type { Signer } from './signature.ts'

export interface LogShippingOptions {
  readonly list: ReplicatedList
  readonly replicas: readonly Peer[]
  readonly durability: Durability
  readonly signer: Signer
  readonly log: Logger
}

export class LogShipping implements Replication {
  readonly mechanism = 'log'
  readonly #acknowledgements: Acknowledgements
  readonly #shippers: LogShipper[]

  constructor({ list, replicas, durability, signer, log }: LogShippingOptions) {
    const names = replicas.map(({ name }) => name)
    this.#acknowledgements = new Acknowledgements(names, durability)
    // Nobody waits for an asynchronous batch, so it may wait for company; a synchronous one leaves at once.
    const linger = durability === 'async' ? ASYNC_LINGER : NO_LINGER
    const batches = new BatchCache(list)
    this.#shippers = replicas.map((replica) => {
      const acknowledge = (lsn: number): void => this.#acknowledgements.acknowledge(replica.name, lsn)
      return new LogShipper({ list, batches, replica, signer, log, linger, acknowledge })
    })
    for (const shipper of this.#shippers) shipper.start()
  }

  ensurePossible(): void {
    this.#acknowledgements.ensurePossible(this.#shippers.filter(({ isReachable }) => isReachable).length)
  }

  committed(_entry: LogEntry): void {
    for (const shipper of this.#shippers) shipper.wake()
  }

  durable(lsn: number, deadlineMs: number): Promise<void> {
    return this.#acknowledgements.durable(lsn, deadlineMs)
  }

  status(): ReplicaStatus[] {
    return this.#shippers.map((shipper) => shipper.status())
  }

  get failedAttempts(): number {
    return this.#sum((shipper) => shipper.failedAttempts)
  }

  details(): Record<string, unknown> {
    return {
      batchesSent: this.#sum(({ batchesSent }) => batchesSent),
      snapshotsSent: this.#sum(({ snapshotsSent }) => snapshotsSent),
      failedAttempts: this.failedAttempts,
    }
  }

  /** No write is taken any more; what `async` has acknowledged may still be here only. */
  async close(): Promise<void> {
    const finished = Promise.all(this.#shippers.map((shipper) => shipper.finish()))
    await withinMs(finished, FINISH_MS_MAX, () => undefined)
    for (const shipper of this.#shippers) shipper.stop()
  }

  #sum(read: (shipper: LogShipper) => number): number {
    return this.#shippers.reduce((total, shipper) => total + read(shipper), 0)
  }
}

const FINISH_MS_MAX = 2_000

const ASYNC_LINGER: Linger = { minMs: 20, maxMs: 100 }
const NO_LINGER: Linger = { minMs: 0, maxMs: 0 }
