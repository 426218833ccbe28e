/**
 * From the topology to processes: what exactly is started for each instance.
 *
 * The plan is written into the state before anything starts, so that `start` in another shell, after a `kill`, runs the
 * very same command with the very same environment.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { serviceEnvironment } from '../service-environment.ts'
import type { LoadBalancer, Node, StageName, Tier, Topology } from '../topology.ts'
import type { CpuShares } from './cpu-share.ts'
import { nginxCommand } from './nginx-files.ts'
import type { PostgresServers } from './postgres-servers.ts'
import type { StageSettings } from './runtime.ts'
import { REPOSITORY, type StageDirectory } from './stage-directory.ts'
import type { InstanceRecord, ProcessRecord } from './stage-state.ts'

const DATABASE_ENTRIES: Record<StageName, string> = { stage1: 'stage1-memory/main.ts', stage2: 'stage2-postgres/main.ts' }
const SHARED_ENTRIES: Record<Exclude<Tier, 'db'>, string> = { frontend: 'shared/frontend/main.ts', backend: 'shared/backend/main.ts' }

export function planInstances(
  directory: StageDirectory,
  topology: Topology,
  settings: StageSettings,
  shares: CpuShares | undefined,
  servers?: PostgresServers,
): InstanceRecord[] {
  const balancers = topology.loadBalancers.map((balancer) => planBalancer(directory, balancer))
  const nodes = topology.nodes.map((node) => planNode(directory, topology, node, settings, shares, servers))
  return [...balancers, ...nodes]
}

function planNode(
  directory: StageDirectory,
  topology: Topology,
  node: Node,
  settings: StageSettings,
  shares: CpuShares | undefined,
  servers: PostgresServers | undefined,
): InstanceRecord {
  const dataDirectory = directory.dataOf(node.name)
  if (node.tier === 'db') mkdirSync(dataDirectory, { recursive: true })
  const env = serviceEnvironment(
    topology,
    node,
    { ...settings, secretFile: directory.secretFile, dataDirectory, faultsFile: directory.faultsFile(node.name) },
    process.env,
  )
  const entry = node.tier === 'db' ? DATABASE_ENTRIES[topology.stage] : SHARED_ENTRIES[node.tier]
  const run = { command: process.execPath, args: [entry] }
  const cache = { NODE_COMPILE_CACHE: path.join(path.dirname(directory.root), 'compile-cache') }
  const hasServer = node.postgresPort !== null
  const keeper = hasServer ? servers?.keeper(node) : undefined
  const service: ProcessRecord = {
    name: 'service',
    ...(shares?.wrap(run.command, run.args) ?? run),
    cwd: REPOSITORY,
    env: { ...cache, ...env, ...(hasServer && servers?.serviceEnvironment(node)) },
    stopSignal: 'SIGTERM',
    identity: null,
    asked: null,
  }
  return {
    name: node.name,
    tier: node.tier,
    role: node.role,
    url: node.url,
    logFile: directory.logFile(node.name),
    cpuGroup: shares?.groupFor(`relais-${clusterId(directory)}-${topology.stage}-${node.name}`) ?? null,
    processes: keeper ? [{ ...keeper, env: { ...cache, ...keeper.env } }, service] : [service],
  }
}

function planBalancer(directory: StageDirectory, balancer: LoadBalancer): InstanceRecord {
  const prefix = directory.nginxPrefix(balancer.name)
  const nginx: ProcessRecord = {
    name: 'nginx',
    ...nginxCommand(balancer, prefix),
    cwd: prefix,
    env: {},
    // Nginx's word for "finish what you have, then end"; its SIGTERM cuts.
    stopSignal: 'SIGQUIT',
    identity: null,
    asked: null,
  }
  const { name, url } = balancer
  // Never held to a share: what is compared is the instances, and a load balancer is not one of them.
  return { name, tier: 'lb', role: null, url, logFile: directory.logFile(name), cpuGroup: null, processes: [nginx] }
}

/** Keeps the groups of clusters with other state directories apart. */
function clusterId(directory: StageDirectory): string {
  return createHash('sha256').update(directory.root).digest('hex').slice(0, 8)
}
