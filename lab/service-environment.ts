/**
 * A service's environment: its whole configuration, derived from the topology and from what `up` was asked for.
 *
 * Peers and upstreams come from here only; no service ever learns an address from a request. What the user has set as
 * `RELAIS_…` in the shell (a log level, a test's hook) is passed on, but never above what is derived.
 */
import { DURABILITIES, MECHANISMS, type Durability, type Mechanism } from '@relais/shared/store/store.ts'
import { entryUrl, nodesOf, primaryOf, type Node, type Tier, type Topology } from './topology.ts'

export { DURABILITIES, MECHANISMS as REPLICATIONS, type Durability, type Mechanism as Replication }

export interface ServiceSettings {
  readonly replication: Mechanism
  readonly durability: Durability
  /** File that holds the secret of the node-to-node signatures, in hex. */
  readonly secretFile: string
  /** Directory that this one service may write to. */
  readonly dataDirectory: string
  /** By this file the lab makes the instance slow or late while it runs; `undefined` where nobody would write it. */
  readonly faultsFile?: string
}

const NEXT_TIER: Partial<Record<Tier, Tier>> = { frontend: 'backend', backend: 'db' }

/** The lab's own variables: they say where and how the lab runs, which is no business of a service. */
const LAB_VARIABLES = new Set(['RELAIS_STATE_DIR', 'RELAIS_PORT_OFFSET'])

export function serviceEnvironment(
  topology: Topology,
  node: Node,
  settings: ServiceSettings,
  inherited: NodeJS.ProcessEnv = {},
): Record<string, string> {
  const environment: Record<string, string> = {
    ...ownVariables(inherited),
    RELAIS_STAGE: topology.stage,
    RELAIS_NAME: node.name,
    RELAIS_HOST: topology.host,
    RELAIS_PORT: String(node.port),
  }
  if (settings.faultsFile !== undefined) environment['RELAIS_FAULTS_FILE'] = settings.faultsFile
  const nextTier = NEXT_TIER[node.tier]
  if (nextTier) environment['RELAIS_UPSTREAM'] = entryUrl(topology, nextTier)
  if (node.tier === 'frontend') environment['RELAIS_SINGLE'] = String(topology.loadBalancers.length === 0)
  if (node.tier === 'db') Object.assign(environment, databaseEnvironment(topology, node, settings))
  return environment
}

function databaseEnvironment(topology: Topology, node: Node, settings: ServiceSettings): Record<string, string> {
  const peers = nodesOf(topology, 'db').filter(({ name }) => name !== node.name)
  return {
    RELAIS_ROLE: node.role!,
    RELAIS_PRIMARY: primaryOf(topology).name,
    RELAIS_PEERS: peers.map(({ name, url }) => `${name}=${url}`).join(','),
    RELAIS_REPLICATION: settings.replication,
    RELAIS_DURABILITY: settings.durability,
    RELAIS_SECRET_FILE: settings.secretFile,
    RELAIS_DATA_DIR: settings.dataDirectory,
  }
}

function ownVariables(inherited: NodeJS.ProcessEnv): Record<string, string> {
  const own: Record<string, string> = {}
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && name.startsWith('RELAIS_') && !LAB_VARIABLES.has(name)) own[name] = value
  }
  return own
}
