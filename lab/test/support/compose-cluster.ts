/**
 * A stage on a real container engine for a test, in a project, on networks and on ports of its own; or the reason why there is none.
 *
 * Nothing is fetched from a registry here: where the images are not on the machine the tests are skipped, and say so.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { docker, hasEngine, runCompose } from '../../runtime/compose-engine.ts'
import { findContainers, type Container } from '../../runtime/compose-containers.ts'
import { writeComposeNginxFiles } from '../../runtime/compose-nginx-files.ts'
import { ComposeProject } from '../../runtime/compose-project.ts'
import type { StageSettings } from '../../runtime/runtime.ts'
import { REPOSITORY } from '../../runtime/stage-directory.ts'
import { topologyOf, type StageName, type Topology } from '../../topology.ts'
import { TestCluster, type Outcome } from '../test-cluster.ts'

const SETTINGS: StageSettings = { replication: 'log', durability: 'async', policy: null, cpuPerInstance: null }
const BUILD_MS_MAX = 600_000
const UP_MS_MAX = 120_000

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
    this.project = new ComposeProject(cluster.stateDirectory)
  }

  static async create(stage: StageName): Promise<ComposeCluster> {
    const cluster = new ComposeCluster(await TestCluster.create(stage), stage)
    writeComposeNginxFiles(cluster.project.generatedDirectory(stage))
    await cluster.compose(['build', '--quiet'], BUILD_MS_MAX)
    return cluster
  }

  /** The lab's command line; never rejects. */
  lab(...args: string[]): Promise<Outcome> {
    return this.#cluster.lab(...args)
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
    await this.compose(['down', '--volumes', '--timeout', '5'])
    await this.#cluster.remove()
  }
}
