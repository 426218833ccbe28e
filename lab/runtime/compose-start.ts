/**
 * Starting a stage's containers and waiting until each one is healthy.
 *
 * `docker compose up --wait` does the waiting by the containers' own checks; we listen to what it prints to tell who is ready. When it
 * gives up, the last lines of whoever is not well say why.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { failed } from '../failure.ts'
import type { Topology } from '../topology.ts'
import { findContainers } from './compose-containers.ts'
import { docker, runCompose } from './compose-engine.ts'
import type { ComposeProject } from './compose-project.ts'
import { waitForWholeWay } from './native-start.ts'
import { instancesNotServing } from './readiness.ts'
import type { StageSettings, StartOptions } from './runtime.ts'

/** The first build fetches a base image and the packages. */
const BUILD_MS_MAX = 900_000
/** The first start may fetch images as well, and makes three PostgreSQL servers. */
const UP_MS_MAX = 600_000
const READY_S_MAX = 120
/** An instance held to a small share of CPU needs that much longer. */
const START_CPU_S = 2
const LAST_LINES = 3
const POLL_MS = 100

export async function startContainers(
  project: ComposeProject,
  topology: Topology,
  settings: StageSettings,
  { observer, signal }: StartOptions,
): Promise<void> {
  const startedAtMs = performance.now()
  const environment = project.environment(topology, settings)
  const run = (args: string[], deadlineMs: number, onLine?: (line: string) => void): Promise<void> =>
    runCompose({ args: [...project.arguments(topology), ...args], environment, deadlineMs, signal, ...(onLine && { onLine }) })

  observer?.progress?.('building the image of the services')
  await run(['build', '--quiet'], BUILD_MS_MAX)
  observer?.progress?.('starting containers')
  const readyS = Math.ceil(READY_S_MAX + (settings.cpuPerInstance === null ? 0 : START_CPU_S / settings.cpuPerInstance))
  const tell = (line: string): void => {
    const name = healthyInstance(line, topology)
    if (name !== undefined) observer?.ready?.(name, performance.now() - startedAtMs)
  }
  const services = project.services(topology)
  try {
    if (project.isUnchecked) {
      await run(['up', '--detach', '--no-build', ...services], UP_MS_MAX)
      await untilServing(topology, readyS, signal)
    } else {
      await run(['up', '--wait', '--wait-timeout', String(readyS), '--no-build', ...services], UP_MS_MAX, tell)
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw failed(`${error instanceof Error ? error.message : String(error)}\n${await lastWords(project, topology)}`.trim())
  }
  await waitForWholeWay(topology, signal ?? new AbortController().signal)
}

/** Containers that nobody checks are asked here. */
async function untilServing(topology: Topology, readyS: number, signal: AbortSignal | undefined): Promise<void> {
  const giveUpAtMs = performance.now() + readyS * 1000
  for (;;) {
    const missing = await instancesNotServing([...topology.nodes, ...topology.loadBalancers.map((one) => ({ ...one, tier: 'lb' }))])
    if (missing.length === 0) return
    signal?.throwIfAborted()
    if (performance.now() > giveUpAtMs)
      throw failed(`Failed to start ${topology.stage}: ${missing.join(', ')} not ready after ${readyS} s.`)
    await sleep(POLL_MS)
  }
}

/** " Container relais-stage1-db2-1  Healthy" is db2. */
function healthyInstance(line: string, { stage, nodes, loadBalancers }: Topology): string | undefined {
  const name = new RegExp(`-${stage}-(?:single-)?([a-z0-9-]+)-1\\s+Healthy`).exec(line)?.[1]
  return [...nodes, ...loadBalancers].find((one) => one.name === name)?.name
}

async function lastWords(project: ComposeProject, { stage }: Topology): Promise<string> {
  const containers = await findContainers(project.name, stage).catch(() => [])
  const unwell = containers.find(({ status, health, exitCode }) => health === 'unhealthy' || (status !== 'running' && exitCode !== 0))
  if (!unwell) return ''
  const words = await wordsOf(unwell.id)
  return `${stage}/${unwell.instance} (${unwell.process}) is ${unwell.health || unwell.status}:\n${words}`
}

/** The last lines that a container wrote. */
export async function wordsOf(id: string): Promise<string> {
  const text = await docker(['logs', '--tail', String(LAST_LINES), id], 5_000).catch(() => '')
  const lines = text.split('\n').filter(Boolean)
  return lines.length > 0 ? lines.map((line) => `  ${line}`).join('\n') : '  It wrote nothing to its standard output.'
}
