/**
 * A stage on a real container engine for a test, in a project, on networks and on ports of its own; or the reason why there is none.
 *
 * Nothing is fetched from a registry here: where the images are not on the machine the tests are skipped, and say so.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { docker, hasEngine, runCompose } from '../../runtime/compose-engine.ts'
import { findContainers, type Container } from '../../runtime/compose-containers.ts'
import { writeComposeNginxFiles } from '../../runtime/compose-nginx-files.ts'
import { ComposeProject } from '../../runtime/compose-project.ts'
import type { StageSettings } from '../../runtime/runtime.ts'
import { REPOSITORY } from '../../runtime/stage-directory.ts'
import { topologyOf, type StageName, type Topology } from '../../topology.ts'
import { TestCluster, type Outcome } from '../test-cluster.ts'
import { inShort, type Load } from './load.ts'
import { SUBNET } from './test-ports.ts'

const SETTINGS: StageSettings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null }
const BUILD_MS_MAX = 600_000
const UP_MS_MAX = 300_000
const TOLD_MAX = 20

/** `undefined` when the tests can run; printed otherwise. */
export async function whyNoEngine(): Promise<string | undefined> {
  const reason = await findReason()
  if (reason !== undefined) console.log(`The tests on containers are skipped: ${reason}.`)
  return reason
}

async function findReason(): Promise<string | undefined> {
  if (process.env['RELAIS_NO_ENGINE']) return 'RELAIS_NO_ENGINE is set'
  if (!(await hasEngine())) return 'no container engine with Compose answers'
  const texts = ['Dockerfile', 'service.yaml'].map((name) => readFileSync(path.join(REPOSITORY, 'compose', name), 'utf8')).join('\n')
  const images = new Set([...texts.matchAll(/^(?:FROM|\s+image:) ((?:node|nginx|postgres):\S+)/gm)].map(([, image]) => image!))
  for (const image of images) {
    if (!(await docker(['image', 'inspect', image]).catch(() => ''))) return `the image ${image} is not on this machine; \`docker pull\` it`
  }
  return undefined
}

export class ComposeCluster {
  readonly topology: Topology
  readonly project: ComposeProject
  readonly #cluster: TestCluster

  private constructor(cluster: TestCluster, stage: StageName) {
    this.#cluster = cluster
    this.topology = topologyOf(stage, { portOffset: cluster.portOffset })
    this.project = new ComposeProject(cluster.stateDirectory, { subnet: SUBNET })
  }

  static async create(stage: StageName): Promise<ComposeCluster> {
    const cluster = new ComposeCluster(await TestCluster.create(stage), stage)
    writeComposeNginxFiles(cluster.project.generatedDirectory(stage))
    await cluster.compose(['build', '--quiet'], BUILD_MS_MAX)
    return cluster
  }

  /** The lab's command line; never rejects. Making containers takes its time on a busy machine. */
  lab(...args: string[]): Promise<Outcome> {
    return this.#cluster.labWithin(UP_MS_MAX, ...args)
  }

  /** Plain `docker compose …` on the same project, with the settings that the lab gives it. */
  async compose(args: readonly string[], deadlineMs = UP_MS_MAX): Promise<void> {
    const environment = this.project.environment(this.topology, SETTINGS)
    await runCompose({ args: [...this.project.arguments(this.topology), ...args], environment, deadlineMs })
  }

  async container(instance: string, process = 'service'): Promise<Container> {
    const found = (await this.containers()).find((one) => one.instance === instance && one.process === process)
    if (!found) throw new Error(`no container of ${instance} (${process})`)
    return found
  }

  containers(): Promise<Container[]> {
    return findContainers(this.project.name)
  }

  /**
   * Reads that failed, each with every line that any container logged about it.
   *
   * Left out, and printed: those that an instance which nobody `touched` had and answered too late for its load balancer. On a machine
   * that is busy enough it does that without anything being restarted.
   */
  async lostReads(load: Load, ...touched: string[]): Promise<string[]> {
    const failed = load.failedReads.slice(0, TOLD_MAX)
    if (failed.length === 0) return []
    const logs = await Promise.all((await this.containers()).map(linesOf))
    return failed.flatMap((read) => {
      const about = logs.flat().filter(({ line }) => line.includes(`"${read.requestId}"`))
      const late = about.flatMap(({ line }) => lateInstanceIn(line, this.topology.stage))
      const told = [`${inShort([read])[0]} after ${Math.round(read.tookMs)} ms`, ...about.map(({ place, line }) => `  ${place}: ${line}`)]
      if (!late.some((name) => !touched.includes(name))) return told
      console.log(`left out, because ${late.join(', ')} was late:\n${told.join('\n')}`)
      return []
    })
  }

  /** Everything that the engine still has of this project. */
  async leftovers(): Promise<string[]> {
    const filter = ['--filter', `label=com.docker.compose.project=${this.project.name}`, '--quiet']
    const lists = await Promise.all([
      docker(['ps', '--all', ...filter]),
      docker(['network', 'ls', ...filter]),
      docker(['volume', 'ls', ...filter]),
    ])
    return lists.flatMap((text) => text.split('\n').filter(Boolean))
  }

  /** `down -v` and the state directory; harmless when repeated. */
  async remove(): Promise<void> {
    await this.compose(['--profile', '*', 'down', '--volumes', '--timeout', '5'])
    await this.#cluster.remove()
  }
}

async function linesOf({ id, instance, process }: Container): Promise<{ place: string; line: string }[]> {
  const text = await docker(['logs', id]).catch(() => '')
  return text.split('\n').map((line) => ({ place: `${instance} ${process}`, line }))
}

const tried = z.object({ upstreamAddress: z.string(), upstreamStatus: z.string(), upstreamConnectTimeS: z.string() })

/** The instance that a load balancer's line tells of: connected to, asked, and given up without an answer. */
function lateInstanceIn(line: string, stage: StageName): string[] {
  const parsed = tried.safeParse(parseJson(line))
  if (!parsed.success) return []
  const last = (text: string): string => text.split(/, | : /).at(-1) ?? ''
  const { upstreamAddress, upstreamStatus, upstreamConnectTimeS } = parsed.data
  if (last(upstreamStatus) !== '504' || last(upstreamConnectTimeS) === '-') return []
  const port = Number(last(upstreamAddress).split(':').at(-1))
  return topologyOf(stage).nodes.flatMap((node) => (node.tier === 'db' && node.port === port ? [node.name] : []))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
