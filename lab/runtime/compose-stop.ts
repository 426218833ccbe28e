/**
 * Taking a stage's containers and networks away; its volumes stay, as natively the data does.
 *
 * In the order of the flow, from the edge inwards, as natively: what a tier still has in flight finds the tiers behind it alive.
 */
import type { StageName } from '../topology.ts'
import { findContainers, type Container } from './compose-containers.ts'
import { docker } from './compose-engine.ts'
import type { StoppedStage } from './runtime.ts'

const WAVES: readonly RegExp[] = [
  /^frontend-lb$/,
  /^frontend\d/,
  /^backend-lb$/,
  /^backend\d/,
  /^db-lb$/,
  /^db\d+ service$/,
  /^db\d+ postgres$/,
]
/** A container has as long as compose/service.yaml gives it, then Docker kills it: PostgreSQL has the longest, a minute. */
const STOP_MS_MAX = 90_000
const KILLED = 137
/** The job of compose/image.yaml; it belongs to no stage. */
const IMAGE_JOB = 'relais-image'

export async function removeStage(project: string, stage: StageName): Promise<StoppedStage> {
  const startedAtMs = performance.now()
  const containers = await findContainers(project, stage)
  const alive = containers.filter(({ status }) => status === 'running' || status === 'paused' || status === 'restarting')
  const paused = alive.filter(({ status }) => status === 'paused').map(({ id }) => id)
  // A paused container takes no signal.
  if (paused.length > 0) await docker(['unpause', ...paused])
  for (const wave of WAVES) {
    const ids = alive.filter((container) => wave.test(placeOf(container))).map(({ id }) => id)
    if (ids.length > 0) await docker(['stop', ...ids], STOP_MS_MAX)
  }
  const aliveIds = new Set(alive.map(({ id }) => id))
  const ended = (await findContainers(project, stage)).filter(({ id }) => aliveIds.has(id))
  const ids = containers.map(({ id }) => id)
  if (ids.length > 0) await docker(['rm', '--force', ...ids], STOP_MS_MAX)
  await removeImageJob(project)
  await removeNetworks(project, stage)
  const killed = ended.filter(({ exitCode }) => exitCode === KILLED).length
  return { processes: alive.length, killed, afterMs: performance.now() - startedAtMs }
}

/** "frontend-lb", "frontend2", "db1 postgres": where in the flow. */
function placeOf({ instance, process }: Container): string {
  return instance.startsWith('db') && process !== 'nginx' ? `${instance} ${process}` : instance
}

/** With the last stage: one that is being started may wait for it. */
async function removeImageJob(project: string): Promise<void> {
  if ((await findContainers(project)).length > 0) return
  const filters = ['--filter', `label=com.docker.compose.project=${project}`, '--filter', `label=com.docker.compose.service=${IMAGE_JOB}`]
  const ids = (await docker(['ps', '--all', '--quiet', ...filters])).split('\n').filter(Boolean)
  if (ids.length > 0) await docker(['rm', '--force', ...ids])
}

async function removeNetworks(project: string, stage: StageName): Promise<void> {
  for (const id of await listOwn(['network', 'ls'], project, stage)) {
    // Monitoring may still be in it; then it goes with that.
    await docker(['network', 'rm', id]).catch(() => {})
  }
}

/**
 * The data of a stage that does not run, and its secrets.
 *
 * A volume goes only when nobody has it, and monitoring's exporters have the passwords': whatever of the project is still there goes
 * first. Resolves to the names of those containers.
 */
export async function removeVolumes(project: string, stage: StageName): Promise<readonly string[]> {
  const volumes = await listOwn(['volume', 'ls'], project, stage)
  if (volumes.length === 0) return []
  const users = await usersOf(project, volumes)
  if (users.size > 0) await docker(['rm', '--force', ...users.keys()], STOP_MS_MAX)
  await docker(['volume', 'rm', ...volumes])
  return [...users.values()].toSorted()
}

/** By id, the name of each container of the project that has one of the volumes. */
async function usersOf(project: string, volumes: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const users = new Map<string, string>()
  for (const volume of volumes) {
    const filters = ['--filter', `label=com.docker.compose.project=${project}`, '--filter', `volume=${volume}`]
    const lines = (await docker(['ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.Names}}', ...filters])).split('\n').filter(Boolean)
    for (const line of lines) users.set(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1))
  }
  return users
}

async function listOwn(list: readonly string[], project: string, stage: StageName): Promise<string[]> {
  const filters = ['--filter', `label=com.docker.compose.project=${project}`, '--filter', `label=relais.stage=${stage}`]
  return (await docker([...list, '--quiet', ...filters])).split('\n').filter(Boolean)
}
