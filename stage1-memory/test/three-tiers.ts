/**
 * All three tiers of stage 1 in one process: a frontend, a backend and the database tier's nodes, each on a port of its own,
 * with nothing between them. What stands behind Nginx elsewhere, bare.
 */
import { mountBackend } from '@relais/shared/backend/app.ts'
import { mountFrontend } from '@relais/shared/frontend/app.ts'
import { listen, type RunningServer } from '@relais/shared/http/server.ts'
import { Service } from '@relais/shared/http/service.ts'
import { TierClient } from '@relais/shared/http/tier-client.ts'
import { SILENT_LOG } from '@relais/shared/observe/log.ts'
import { MemoryCluster } from './memory-cluster.ts'

export const TIERS = ['frontend', 'backend', 'database'] as const
export type Tier = (typeof TIERS)[number]

export class ThreeTiers {
  readonly cluster: MemoryCluster
  readonly #servers: { service: Service; server: RunningServer; client: TierClient }[] = []
  readonly #ports = new Map<Tier, number>()

  private constructor(cluster: MemoryCluster) {
    this.cluster = cluster
  }

  static async start(): Promise<ThreeTiers> {
    const cluster = await MemoryCluster.start()
    const tiers = new ThreeTiers(cluster)
    tiers.#ports.set('database', Number(new URL(cluster.url('db1')).port))
    await tiers.#add('backend', 'backend1', cluster.url('db1'), mountBackend)
    await tiers.#add('frontend', 'frontend1', tiers.url('backend'), mountFrontend)
    return tiers
  }

  port(tier: Tier): number {
    return this.#ports.get(tier)!
  }

  url(tier: Tier): string {
    return `http://127.0.0.1:${this.port(tier)}`
  }

  /** The requests that a tier is working on. */
  inFlight(): number {
    return this.#servers.reduce((sum, { service }) => sum + service.inFlight, this.cluster.node('db1').service.inFlight)
  }

  async close(): Promise<void> {
    for (const { server, client } of this.#servers.toReversed()) {
      await server.close()
      await client.close()
    }
    await this.cluster.close()
  }

  async #add(tier: Tier, name: string, upstream: string, mount: (service: Service, client: TierClient) => void): Promise<void> {
    const service = new Service({ stage: 'stage1', name, log: SILENT_LOG })
    const client = new TierClient(upstream, { deadlineMs: 10_000 })
    mount(service, client)
    const server = await listen(service, '127.0.0.1', 0)
    this.#servers.push({ service, server, client })
    this.#ports.set(tier, server.port)
  }
}
