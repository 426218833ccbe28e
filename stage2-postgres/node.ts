/**
 * One node of stage 2's database tier, put together: connections, replication, store, routes.
 *
 *   primary   PrimaryStore ─▶ pools: inserts, changes, reads, monitor ─▶ PostgreSQL
 *   replica   ReplicaStore ─▶ pools: reads, monitor                   ─▶ PostgreSQL, a hot standby
 *
 * The service starts whether PostgreSQL is there or not, and says by /readyz when it is.
 */
import { z } from 'zod'
import { mountDatabase } from '@relais/shared/database/app.ts'
import { DATABASE_SETTINGS } from '@relais/shared/http/settings.ts'
import { InjectedFaults } from '@relais/shared/http/injected-faults.ts'
import { Service } from '@relais/shared/http/service.ts'
import type { Log } from '@relais/shared/observe/log.ts'
import type { Store } from '@relais/shared/store/store.ts'
import { PrimaryReplication } from './replication/primary-replication.ts'
import { countSlots } from './replication/slot-metrics.ts'
import { StandbyReplication } from './replication/standby-replication.ts'
import { Connections } from './store/connections.ts'
import { PrimaryStore } from './store/primary-store.ts'
import { ReplicaStore } from './store/replica-store.ts'
import { StandbyPosition } from './store/standby-position.ts'
import { parseLsn, Timeline } from './store/wal-position.ts'

export const STAGE2_SETTINGS = {
  ...DATABASE_SETTINGS,
  /** PostgreSQL's host, or the directory of its socket. */
  RELAIS_POSTGRES_HOST: z.string().min(1).default('127.0.0.1'),
  RELAIS_POSTGRES_PORT: z.coerce.number().int().min(1).max(65535),
  /** A directory with the passwords: `app`, `readonly`, `monitor`. */
  RELAIS_POSTGRES_SECRETS_DIR: z.string().min(1),
}
export type Stage2Settings = z.infer<z.ZodObject<typeof STAGE2_SETTINGS>>

export interface Node {
  readonly service: Service
  readonly store: Store
  close(): Promise<void>
}

export function createNode(settings: Stage2Settings, log: Log): Node {
  const timeline = new Timeline()
  const standbyPosition = new StandbyPosition()
  const connections = new Connections({
    name: settings.RELAIS_NAME,
    address: {
      host: settings.RELAIS_POSTGRES_HOST,
      port: settings.RELAIS_POSTGRES_PORT,
      secretsDir: settings.RELAIS_POSTGRES_SECRETS_DIR,
    },
    role: settings.RELAIS_ROLE,
    // A promoted standby is on a timeline of its own, of which the primary's tokens are no part.
    onFacts: ({ timeline: seen, isInRecovery }) => isInRecovery === (settings.RELAIS_ROLE === 'replica') && timeline.see(seen),
    onLost: () => standbyPosition.forget(),
    log,
  })
  const replication = settings.RELAIS_ROLE === 'primary' ? primaryReplication(settings, connections, timeline) : undefined
  const store = replication
    ? new PrimaryStore({ name: settings.RELAIS_NAME, connections, replication, timeline, log })
    : replicaStore(settings, connections, timeline, standbyPosition)
  const faults = new InjectedFaults(settings.RELAIS_FAULTS_FILE, log)
  const service = new Service({
    stage: settings.RELAIS_STAGE,
    name: settings.RELAIS_NAME,
    log,
    inFlightMax: settings.RELAIS_IN_FLIGHT_MAX,
    faults,
    notReadyBecause: () => store.notReadyBecause(),
  })
  service.metrics.gauge('relais_postgres_connections', 'Connections that are open to PostgreSQL.', () => connections.open())
  service.metrics.gauge('relais_postgres_waiting', 'Statements that wait for a connection.', () => connections.waiting())
  if (replication) countSlots(service.metrics, replication)
  mountDatabase(service, store)
  return { service, store, close: () => (faults.close(), store.close()) }
}

function primaryReplication(settings: Stage2Settings, connections: Connections, timeline: Timeline): PrimaryReplication {
  return new PrimaryReplication({
    pool: connections.pool('monitor'),
    standbys: settings.RELAIS_PEERS.map(({ name }) => name),
    timeline,
    durability: settings.RELAIS_DURABILITY,
  })
}

function replicaStore(
  settings: Stage2Settings,
  connections: Connections,
  timeline: Timeline,
  standbyPosition: StandbyPosition,
): ReplicaStore {
  const replication = new StandbyReplication({
    pool: connections.pool('monitor'),
    primaryName: settings.RELAIS_PRIMARY,
    timeline,
    onLook: ({ replay_lsn, is_behind, is_promoted }) => {
      connections.see({ isInRecovery: !is_promoted })
      if (replay_lsn !== null) standbyPosition.claim(parseLsn(replay_lsn), is_behind)
    },
  })
  return new ReplicaStore({
    name: settings.RELAIS_NAME,
    durability: settings.RELAIS_DURABILITY,
    connections,
    replication,
    standbyPosition,
    timeline,
  })
}
