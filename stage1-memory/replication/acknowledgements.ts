/**
 * Who has confirmed what, and which writes wait for it.
 *
 *   async   nobody needs to confirm          loses what the primary had not sent when it died
 *   quorum  one replica (two of three nodes) survives any one node
 *   all     every replica                    survives any two, stops when one is down
 */
import { Problem } from '@relais/shared/http/problem.ts'
import type { Durability } from '@relais/shared/store/store.ts'
import { withinMs } from '@relais/shared/resilience/deadline.ts'

interface Waiter {
  readonly lsn: number
  readonly resolve: (isDurable: true) => void
}

export class Acknowledgements {
  readonly durability: Durability
  readonly #acked = new Map<string, number>()
  readonly #needed: number
  /** By position, ascending: writes begin to wait in the order in which they were committed. */
  #waiters: Waiter[] = []

  constructor(replicas: readonly string[], durability: Durability) {
    this.durability = durability
    for (const name of replicas) this.#acked.set(name, 0)
    this.#needed = replicasNeeded(durability, replicas.length)
  }

  /** `replica` holds everything up to `lsn`. */
  acknowledge(replica: string, lsn: number): void {
    this.#acked.set(replica, lsn)
    if (this.#waiters.length === 0) return
    const durableLsn = this.#durableLsn()
    const split = this.#waiters.findIndex((waiter) => waiter.lsn > durableLsn)
    const released = split === -1 ? this.#waiters.splice(0) : this.#waiters.splice(0, split)
    for (const waiter of released) waiter.resolve(true)
  }

  /** Throws `not-enough-replicas` when fewer than needed are reachable. */
  ensurePossible(reachable: number): void {
    if (reachable >= this.#needed) return
    const detail = `durability "${this.durability}" needs ${this.#needed} of ${this.#acked.size} replicas, ${reachable} can be reached`
    throw new Problem('not-enough-replicas', { detail })
  }

  /** Resolves when enough replicas hold `lsn`; rejects with `replication-timeout` at `deadlineMs` (a point in time). */
  async durable(lsn: number, deadlineMs: number): Promise<void> {
    if (this.#durableLsn() >= lsn) return
    let waiter: Waiter | undefined
    const confirmed = new Promise<true>((resolve) => {
      waiter = { lsn, resolve }
      this.#insert(waiter)
    })
    const isDurable = await withinMs(confirmed, deadlineMs - Date.now(), () => false)
    if (isDurable) return
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    throw new Problem('replication-timeout', { detail: `position ${lsn} was not confirmed by ${this.#needed} replicas in time` })
  }

  #insert(waiter: Waiter): void {
    const index = this.#waiters.findLastIndex((other) => other.lsn <= waiter.lsn)
    this.#waiters.splice(index + 1, 0, waiter)
  }

  /** The highest position that enough replicas hold. */
  #durableLsn(): number {
    if (this.#needed === 0) return Infinity
    const descending = [...this.#acked.values()].sort((a, b) => b - a)
    return descending[this.#needed - 1] ?? 0
  }
}

function replicasNeeded(durability: Durability, replicas: number): number {
  if (durability === 'async') return 0
  return durability === 'all' ? replicas : Math.min(1, replicas)
}
