/**
 * What can be done to one instance, or to one process of it: the native runtime's five actions (native-actions.ts) on containers.
 *
 * A container that was killed or stopped by hand stays down: Docker's restart policy leaves alone what people ended.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { failed, misused } from '../failure.ts'
import type { StageName } from '../topology.ts'
import { lifeOf, topologyFrom, type Container } from './compose-containers.ts'
import { docker } from './compose-engine.ts'
import { isServing, reasonNotServing } from './readiness.ts'
import type { Target } from './runtime.ts'

const READY_MS_MAX = 90_000
const POLL_MS = 50
const STOP_MS_MAX = 90_000
const KILLED = 137

interface Subject {
  readonly name: string
  readonly instance: { readonly name: string; readonly tier: string; readonly url: string }
  /** One, or all of the instance's; a service before its server. */
  readonly containers: readonly Container[]
}

export class ComposeActions {
  readonly #find: (stage: StageName) => Promise<Container[]>

  constructor(find: (stage: StageName) => Promise<Container[]>) {
    this.#find = find
  }

  async start(target: Target): Promise<string> {
    const startedAtMs = performance.now()
    const { name, instance, containers } = await this.#subject(target)
    const ended = containers.filter((container) => !isAlive(container)).toReversed()
    if (ended.length === 0) return `${name} already runs (${pidsOf(containers)}).`
    for (const { id } of ended) await docker(['start', id])
    await untilServing(name, instance)
    const { containers: started } = await this.#subject(target)
    return `${name} started (${pidsOf(started)}), ready in ${Math.round(performance.now() - startedAtMs)} ms.`
  }

  async stop(target: Target): Promise<string> {
    const { name, containers } = await this.#subject(target)
    const alive = containers.filter(isAlive)
    if (alive.length === 0) return `${name} was not running.`
    await resumePaused(alive)
    for (const { id } of alive) await docker(['stop', id], STOP_MS_MAX)
    const { containers: ended } = await this.#subject(target)
    const wasKilled = ended.some(({ exitCode }) => exitCode === KILLED)
    return wasKilled ? `${name} did not end in time and was killed (${pidsOf(alive)}).` : `${name} stopped (${pidsOf(alive)}).`
  }

  async kill(target: Target): Promise<string> {
    const { name, containers } = await this.#subject(target)
    const alive = containers.filter(isAlive)
    if (alive.length === 0)
      throw failed(`Failed to kill ${name}: it does not run (${lifeOf(containers[0]!)}).\nStart it with \`npm run lab -- start ${name}\`.`)
    await docker(['kill', ...alive.map(({ id }) => id)])
    return `${name} killed (SIGKILL, ${pidsOf(alive)}).`
  }

  async pause(target: Target): Promise<string> {
    const { name, containers } = await this.#subject(target)
    requireAlive('pause', name, containers)
    const running = containers.filter(({ status }) => status === 'running').map(({ id }) => id)
    if (running.length > 0) await docker(['pause', ...running])
    return `${name} paused (its container is frozen, ${pidsOf(containers)}); it keeps its connections and answers nothing.`
  }

  async resume(target: Target): Promise<string> {
    const { name, containers } = await this.#subject(target)
    requireAlive('resume', name, containers)
    if (!(await resumePaused(containers))) return `${name} was not paused.`
    return `${name} resumed (${pidsOf(containers)}).`
  }

  async #subject({ stage, instance, process }: Target): Promise<Subject> {
    const all = await this.#find(stage)
    if (!all.some((container) => container.instance !== ''))
      throw failed(`Failed to find ${stage}/${instance}: ${stage} does not run.\nStart it with \`npm run lab -- up ${stage}\`.`)
    const { nodes, loadBalancers } = topologyFrom(stage, all)
    const names = [...nodes, ...loadBalancers].map(({ name }) => name)
    if (!names.includes(instance)) throw misused(`Failed to find ${stage}/${instance}: expected one of ${names.join(', ')}.`)
    const own = all.filter((container) => container.instance === instance).toSorted((one, other) => order(one) - order(other))
    const containers = own.filter((container) => process === undefined || container.process === process)
    const name = [stage, instance, ...(process ? [process] : [])].join('/')
    const processes = own.map((container) => container.process).join(', ')
    if (containers.length === 0) throw misused(`Failed to find ${name}: the containers of ${instance} are ${processes || 'gone'}.`)
    const balancer = loadBalancers.find((one) => one.name === instance)
    const place = balancer ? { ...balancer, tier: 'lb' } : nodes.find((node) => node.name === instance)!
    return { name, instance: place, containers }
  }
}

function order({ process }: Container): number {
  return process === 'postgres' ? 1 : 0
}

function isAlive({ status }: Container): boolean {
  return status === 'running' || status === 'paused' || status === 'restarting'
}

function requireAlive(verb: string, name: string, containers: readonly Container[]): void {
  const ended = containers.find((container) => !isAlive(container))
  if (ended) throw failed(`Failed to ${verb} ${name}: it does not run (${lifeOf(ended)}).\nStart it with \`npm run lab -- start ${name}\`.`)
}

async function resumePaused(containers: readonly Container[]): Promise<boolean> {
  const paused = containers.filter(({ status }) => status === 'paused').map(({ id }) => id)
  if (paused.length > 0) await docker(['unpause', ...paused])
  return paused.length > 0
}

async function untilServing(name: string, instance: Subject['instance']): Promise<void> {
  const giveUpAtMs = performance.now() + READY_MS_MAX
  while (!(await isServing(instance))) {
    if (performance.now() > giveUpAtMs)
      throw failed(`Failed to start ${name}: it was not ready after ${READY_MS_MAX / 1000} s${await reasonNotServing(instance)}.`)
    await sleep(POLL_MS)
  }
}

function pidsOf(containers: readonly Container[]): string {
  return `pid ${containers.map(({ pid }) => (pid === 0 ? '-' : pid)).join(', ')}`
}
