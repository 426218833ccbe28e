/**
 * The options of `up`, from text to a topology and settings for each stage.
 */
import type { Given } from '../command-line/command.ts'
import { integerWithin, numberWithin, oneOf, parseStages } from '../command-line/parse-arguments.ts'
import { misused } from '../failure.ts'
import { POLICIES, RUNTIME_NAMES, type RuntimeName, type StageSettings } from '../runtime/runtime.ts'
import { DURABILITIES, REPLICATIONS } from '../service-environment.ts'
import { portsIn, STAGE_NAMES, topologyOf, type StageName, type Topology } from '../topology.ts'

export const UP_OPTIONS = {
  detach: { type: 'boolean', short: 'd' },
  runtime: { type: 'string' },
  replication: { type: 'string' },
  durability: { type: 'string' },
  policy: { type: 'string' },
  'cpu-per-instance': { type: 'string' },
  single: { type: 'boolean' },
  fresh: { type: 'boolean' },
  port: { type: 'string', multiple: true },
  'port-offset': { type: 'string' },
} as const

export const UP_HELP = `  --detach, -d     return when everything is ready; otherwise stay until Ctrl-C, which stops everything
  --replication    ${REPLICATIONS.join(' | ')} (default log; stage 1)
  --durability     ${DURABILITIES.join(' | ')} (default async): acknowledge after the primary, one replica, or all
  --policy         ${POLICIES.join(' | ')}
                   (default: each tier's own, see nginx/)
  --single         one instance per tier, connected directly, no load balancer
  --cpu-per-instance CORES
                   limit each instance to a share of CPU, for example 0.1
  --fresh          discard the data and logs of earlier runs
  --port [STAGE/]NAME=PORT
                   another port for an instance, a load balancer, or a PostgreSQL server (postgres1 …)
  --port-offset N  added to every port (or RELAIS_PORT_OFFSET)
  --runtime        ${RUNTIME_NAMES.join(' | ')} (default native): processes, or containers (Docker)`

export interface UpRequest {
  readonly topologies: readonly Topology[]
  readonly settings: StageSettings
  readonly runtime: RuntimeName
  readonly isDetached: boolean
  readonly isFresh: boolean
}

export function readUpRequest({ operands, values }: Given, environment: NodeJS.ProcessEnv = process.env): UpRequest {
  const text = (name: keyof typeof UP_OPTIONS): string | undefined => values[name] as string | undefined
  const runtime = oneOf('--runtime', text('runtime') ?? 'native', RUNTIME_NAMES)
  const stages = parseStages(operands[0])
  const isSingle = values['single'] === true
  const durability = oneOf('--durability', text('durability') ?? 'async', DURABILITIES)
  const policy = text('policy') === undefined ? null : oneOf('--policy', text('policy')!, POLICIES)
  if (isSingle && durability !== 'async')
    throw misused(`--durability ${durability} needs replicas, and --single has none. Leave out one of the two.`)
  if (isSingle && policy) throw misused(`--policy ${policy} needs load balancers, and --single has none. Leave out one of the two.`)
  const offset = text('port-offset') ?? (environment['RELAIS_PORT_OFFSET'] || '0')
  const portOffset = integerWithin('--port-offset', offset, -7_000, 45_000)
  const ports = readPorts((values['port'] ?? []) as string[], stages)
  const topologies = stages.map((stage) => topologyOf(stage, { single: isSingle, portOffset, ports: ports.get(stage)! }))
  refuseSamePorts(topologies)
  const cpu = text('cpu-per-instance')
  return {
    topologies,
    runtime,
    settings: {
      replication: oneOf('--replication', text('replication') ?? 'log', REPLICATIONS),
      durability,
      policy,
      cpuPerInstance: cpu === undefined ? null : numberWithin('--cpu-per-instance', cpu, 0.01, 64),
    },
    isDetached: values['detach'] === true,
    isFresh: values['fresh'] === true,
  }
}

function readPorts(texts: readonly string[], stages: readonly StageName[]): ReadonlyMap<StageName, ReadonlyMap<string, number>> {
  const ports = new Map(stages.map((stage) => [stage, new Map<string, number>()]))
  for (const text of texts) {
    const match = /^(?:([^/=]+)\/)?([^/=]+)=(.+)$/.exec(text)
    if (!match) throw misused(`Failed to read --port: found "${text}", expected NAME=PORT, for example frontend-lb=8090.`)
    const [, stageText, name, portText] = match as unknown as [string, string | undefined, string, string]
    const port = integerWithin(`the port of ${name}`, portText, 1, 65_535)
    const named = stageText === undefined ? stages : [oneOf('the stage of --port', stageText, STAGE_NAMES)]
    for (const stage of named) {
      oneOf('the name in --port', name, [...portsIn(topologyOf(stage)).keys()])
      const own = ports.get(stage)
      if (!own) throw misused(`Failed to read --port: found "${text}", but only ${stages.join(' and ')} is being started. Leave it out.`)
      own.set(name, port)
    }
  }
  return ports
}

function refuseSamePorts(topologies: readonly Topology[]): void {
  const owners = new Map<number, string>()
  for (const topology of topologies) {
    for (const [name, port] of portsIn(topology)) {
      const owner = owners.get(port)
      const own = `${topology.stage}/${name}`
      if (owner) throw misused(`Failed to place ${own}: port ${port} is already assigned to ${owner}. Give each its own.`)
      owners.set(port, own)
    }
  }
}
