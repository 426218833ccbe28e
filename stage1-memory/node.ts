/**
 * One node of stage 1's database tier, put together: store, replication, routes.
 *
 *   primary   recover ─▶ PrimaryStore ─▶ LogShipping | FanOut ─▶ replicas
 *   replica   POST /api/replicate ─▶ ReplicaNode ─▶ ReplicaStore
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { mountDatabase } from '@relais/shared/database/app.ts'
import { DATABASE_SETTINGS } from '@relais/shared/http/settings.ts'
import { InjectedFaults } from '@relais/shared/http/injected-faults.ts'
import { Service } from '@relais/shared/http/service.ts'
import type { Log as Logger } from '@relais/shared/observe/log.ts'
import { MECHANISMS, type Store } from '@relais/shared/store/store.ts'
import { beginWithoutAsking, recover } from './replication/recover.ts'
import { FanOut } from './replication/fan-out.ts'
import { LogShipping } from './replication/log-shipping.ts'
import { mountReplicate } from './replication/receive.ts'
import { ReplicaNode } from './replication/replica-node.ts'
import { mountLog } from './replication/show-log.ts'
import { Signer } from './replication/signature.ts'
import { PrimaryStore } from './store/primary-store.ts'
import { ReplicaStore } from './store/replica-store.ts'
import { ReplicatedList } from './store/replicated-list.ts'

export const STAGE1_SETTINGS = {
  ...DATABASE_SETTINGS,
  RELAIS_REPLICATION: z.enum(MECHANISMS).default('log'),
  /** A file with the cluster's secret, in hexadecimal. */
  RELAIS_SECRET_FILE: z.string().min(1),
  RELAIS_RECORDS_MAX: z.coerce.number().int().min(1).optional(),
  /** How many entries a primary's log keeps at least; a replica that needs older ones gets a snapshot. */
  RELAIS_LOG_ENTRIES_KEPT: z.coerce.number().int().min(1).optional(),
  /** A test hook: a replica holds every message back this long, from its start on; while it runs, `lab -- lag` says it. */
  RELAIS_FAULT_REPLICATION_DELAY_MS: z.coerce.number().int().min(0).default(0),
}
export type Stage1Settings = z.infer<z.ZodObject<typeof STAGE1_SETTINGS>>

export interface Node {
  readonly service: Service
  readonly store: Store
  /** Resolves when the node may be asked; a replica at once, a primary when it has its list. */
  readonly begun: Promise<void>
  close(): Promise<void>
}

/** Builds the node; a primary's recovery goes on in the background until `begun`. */
export function createNode(settings: Stage1Settings, log: Logger): Node {
  mkdirSync(settings.RELAIS_DATA_DIR, { recursive: true })
  const signer = new Signer(readFileSync(settings.RELAIS_SECRET_FILE, 'utf8').trim())
  const faults = new InjectedFaults(settings.RELAIS_FAULTS_FILE, log)
  const create = settings.RELAIS_ROLE === 'primary' ? createPrimary : createReplica
  const node = create(settings, log, signer, faults)
  return { ...node, close: () => (faults.close(), node.close()) }
}

function createReplica(settings: Stage1Settings, log: Logger, signer: Signer, faults: InjectedFaults): Node {
  const node = new ReplicaNode({
    mechanism: settings.RELAIS_REPLICATION,
    primaryName: settings.RELAIS_PRIMARY,
    dataDir: settings.RELAIS_DATA_DIR,
    log,
    delayMs: () => faults.replicationDelayMs || settings.RELAIS_FAULT_REPLICATION_DELAY_MS,
  })
  const store = new ReplicaStore({
    name: settings.RELAIS_NAME,
    node,
    mechanism: settings.RELAIS_REPLICATION,
    durability: settings.RELAIS_DURABILITY,
  })
  const service = createService(settings, log, store, faults)
  mountReplicate(service, node, signer)
  mountLog(service, settings.RELAIS_REPLICATION === 'log' ? node.list : undefined, signer)
  return { service, store, begun: Promise.resolve(), close: () => store.close() }
}

function createPrimary(settings: Stage1Settings, log: Logger, signer: Signer, faults: InjectedFaults): Node {
  const list = new ReplicatedList(settings.RELAIS_LOG_ENTRIES_KEPT)
  const store = new PrimaryStore({
    name: settings.RELAIS_NAME,
    list,
    durability: settings.RELAIS_DURABILITY,
    ...(settings.RELAIS_RECORDS_MAX !== undefined && { recordsMax: settings.RELAIS_RECORDS_MAX }),
  })
  const service = createService(settings, log, store, faults)
  mountReplicate(service, undefined, signer)
  mountLog(service, list, signer)
  // A counter that is born with its first event never increased in Prometheus' eyes: what an alert counts is there, with 0, from the start.
  const givenUp = service.metrics.counter('relais_replication_given_up_total', 'Writes that a replica will never get (fan-out).', [
    'replica',
  ])
  for (const { name } of settings.RELAIS_PEERS) givenUp.inc({ replica: name }, 0)
  service.metrics.total(
    'relais_replication_failed_attempts_total',
    'Calls to replicas that failed; each is tried again, or given up.',
    () => store.failedAttempts,
  )
  const stopped = new AbortController()
  const common = { list, replicas: settings.RELAIS_PEERS, durability: settings.RELAIS_DURABILITY, signer, log }
  const dataDir = settings.RELAIS_DATA_DIR

  let waitingFor: string | undefined
  const wait = (reason: string): void => {
    store.waitFor(reason)
    if (reason !== waitingFor) log.info({ reason }, 'not serving yet')
    waitingFor = reason
  }
  const begin = async (): Promise<void> => {
    if (settings.RELAIS_REPLICATION === 'fan-out') {
      await beginWithoutAsking(list, dataDir)
      store.open(new FanOut({ ...common, onGivenUp: (replica) => givenUp.inc({ replica }) }))
    } else {
      await recover({ ...common, dataDir, onWaiting: (reason) => wait(reason), signal: stopped.signal })
      store.open(new LogShipping(common))
    }
  }
  const begun = untilBegun(begin, log, stopped.signal)
  return { service, store, begun, close: () => (stopped.abort(), store.close()) }
}

/** A replica that goes away while its list is being fetched is no reason to end: the next try may find it, or another. */
async function untilBegun(begin: () => Promise<void>, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await begin()
      return
    } catch (error) {
      if (signal.aborted) return
      log.warn({ err: error }, 'the start of the primary failed; trying again')
      await sleep(500)
    }
  }
}

function createService(settings: Stage1Settings, log: Logger, store: Store, faults: InjectedFaults): Service {
  const service = new Service({
    stage: settings.RELAIS_STAGE,
    name: settings.RELAIS_NAME,
    log,
    inFlightMax: settings.RELAIS_IN_FLIGHT_MAX,
    faults,
    notReadyBecause: () => store.notReadyBecause(),
  })
  mountDatabase(service, store)
  return service
}
