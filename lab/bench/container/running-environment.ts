/**
 * A cluster that somebody else started and keeps, seen from a container in its networks.
 *
 *   reset     stage 1: every record is deleted, by the API · stage 2: the tables are emptied, as the servers' administrator
 *   CPU       services: what they tell of themselves (/metrics) · PostgreSQL: its container's cgroup, read through SQL
 *   not here  the load balancers' logs and their CPU, stopping an instance: all of that is the engine's, and this container has no way to it
 *
 * (!) It could be had: by mounting the engine's socket, which makes whoever is in this container root on the machine.
 */
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'
import { failed } from '../../failure.ts'
import { primaryOf } from '../../topology.ts'
import type { ResourceMeter } from '../measure/observation.ts'
import { EMPTY_TABLES } from '../suite/empty-tables.ts'
import { TestEnvironment } from '../suite/test-environment.ts'
import { RunningResources } from './running-resources.ts'
import { serverOf } from './server-login.ts'

const EMPTYING_MS_MAX = 30_000

export class RunningEnvironment extends TestEnvironment {
  start(): Promise<void> {
    return Promise.resolve()
  }
  hold(): Promise<void> {
    return Promise.resolve()
  }
  stop(): Promise<void> {
    return Promise.resolve()
  }
  pause(instance: string): Promise<never> {
    return Promise.reject(failed(`Failed to pause ${instance}: a container cannot stop its neighbour.`))
  }
  resume(instance: string): Promise<never> {
    return Promise.reject(failed(`Failed to resume ${instance}: a container cannot stop its neighbour.`))
  }

  resources(): ResourceMeter {
    return new RunningResources(this.topology)
  }

  logs(): null {
    return null
  }

  get cpuLimit(): string | null {
    if (this.cpuPerInstance === null) return null
    return `each service is held to ${this.cpuPerInstance} of a core by its container, and each PostgreSQL server to the same amount again (RELAIS_CPUS; periods of 100 ms).`
  }

  /** The limits are somebody else's. */
  protected lift(): Promise<void> {
    return Promise.resolve()
  }

  protected async emptyTables(): Promise<void> {
    await loginAs(
      serverOf(primaryOf(this.topology)),
      'admin',
      async (sql) => {
        for (const statement of EMPTY_TABLES) await sql.unsafe(statement)
      },
      { timeoutMs: EMPTYING_MS_MAX },
    )
  }
}
