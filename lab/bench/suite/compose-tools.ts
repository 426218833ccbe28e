/** The bench's tools on containers that it starts itself, through the engine. */
import type { Machine } from '../results/bench-record.ts'
import type { BenchRequest } from './bench-options.ts'
import { ClusterTools } from './cluster-tools.ts'
import { ComposeEnvironment } from './compose-environment.ts'
import { imageVersions } from './image-versions.ts'
import { describeMachine } from './machine.ts'
import { COMMON_NOTES, LIFTED_NOTE } from './notes.ts'
import type { Experiment } from './run-bench.ts'

const NOTES = [
  'Every request enters the containers’ networks through a published port and crosses their bridges between the tiers, so compare figures from containers only with each other.',
  'CPU and memory are the engine’s statistics of each container; those of a stage 2 database cover its service and its server together.',
  'The containers’ own health checks are nearly off during the benchmark: they would use more CPU than idle services do.',
]

const NO_WAY_IN =
  'A PostgreSQL server in a container is on a network that cannot be reached from outside; the native runtime can measure this.'

export class ComposeTools extends ClusterTools<ComposeEnvironment> {
  constructor(request: BenchRequest, stateDirectory: string) {
    super(request, stateDirectory, (...of) => new ComposeEnvironment(...of))
  }

  override impossible(experiment: Experiment): string | null {
    return experiment === 'aggregates' ? NO_WAY_IN : null
  }

  aggregates(): Promise<never> {
    return Promise.reject(new Error(NO_WAY_IN))
  }

  remarks(): readonly string[] {
    return []
  }

  notes(): readonly string[] {
    return [...NOTES, ...COMMON_NOTES, LIFTED_NOTE]
  }

  protected async describeMachine(cpuLimit: string): Promise<Machine> {
    const machine = await describeMachine(cpuLimit)
    return { ...machine, versions: { ...machine.versions, ...(await imageVersions()) } }
  }
}
