/** A replica's `Store`: reads what replication brought, refuses every write. */
import { Problem } from '@relais/shared/http/problem.ts'
import { formatPosition, type Position } from '@relais/shared/store/position.ts'
import type { At, Durability, Mechanism, Page, PageQuery, ReplicationStatus, Store, StoredRecord } from '@relais/shared/store/store.ts'
import type { ReplicaNode } from '../replication/replica-node.ts'

export interface ReplicaStoreOptions {
  readonly name: string
  readonly node: ReplicaNode
  readonly mechanism: Mechanism
  readonly durability: Durability
}

export class ReplicaStore implements Store {
  readonly role = 'replica'
  readonly formatPosition = formatPosition
  readonly #options: ReplicaStoreOptions
  readonly #node: ReplicaNode

  constructor(options: ReplicaStoreOptions) {
    this.#options = options
    this.#node = options.node
  }

  notReadyBecause(): string | undefined {
    return this.#node.notReadyBecause()
  }

  insert(): Promise<never> {
    return this.#refuse()
  }

  replace(): Promise<never> {
    return this.#refuse()
  }

  remove(): Promise<never> {
    return this.#refuse()
  }

  async get(id: number): Promise<At<StoredRecord | undefined>> {
    return { value: this.#node.records.get(id), position: this.#node.position }
  }

  async page(query: PageQuery): Promise<At<Page>> {
    return { value: this.#node.records.page(query), position: this.#node.position }
  }

  async position(): Promise<Position> {
    return this.#node.position
  }

  reach(position: Position, timeoutMs: number): Promise<boolean> {
    return this.#node.reach(position, timeoutMs)
  }

  async replication(): Promise<ReplicationStatus> {
    const { name, mechanism, durability } = this.#options
    const upstream = this.#node.upstream()
    const details = { records: this.#node.records.size, ...this.#node.details() }
    return { name, role: 'replica', mechanism, durability, position: formatPosition(this.#node.position), upstream, replicas: [], details }
  }

  async close(): Promise<void> {}

  async #refuse(): Promise<never> {
    throw new Problem('not-primary', { detail: `${this.#options.name} is a replica; writes go to the primary` })
  }
}
